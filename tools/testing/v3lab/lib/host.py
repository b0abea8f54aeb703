# SPDX-License-Identifier: GPL-2.0
"""What the lab needs of the machine it runs on."""

import os
import re
import shutil
import subprocess
import sys

from cache import say


class LabError(Exception):
    """Something the lab itself could not do; the message is for the user."""


class NotProven(LabError):
    """A machine whose IOMMU was not seen to translate and to refuse."""


def need_root():
    if os.geteuid() != 0:
        raise LabError("must run as root (it makes a Debian root, mounts into it, and chroots)")


def run(argv, quiet=False, **kw):
    """Runs a preparation step; its output is progress, so it goes to standard error."""
    out = subprocess.PIPE if quiet else sys.stderr
    err = subprocess.STDOUT if quiet else sys.stderr
    done = subprocess.run(argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL, text=True, **kw)
    if done.returncode:
        if quiet:
            sys.stderr.write(done.stdout)
        raise LabError(f"failed ({done.returncode}): {' '.join(argv)}")


def need_command(command, package):
    if shutil.which(command):
        return
    say(f"installing {package}")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "-q", "update"], quiet=True, env=env)
    run(["apt-get", "-q", "-y", "--no-install-recommends", "install", package], quiet=True, env=env)


def debian_mirror():
    """The first archive of Debian itself (not of its security suites) that apt here is set up with."""
    form = "$(SITE) $(RELEASE)"
    ask = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    for line in subprocess.run(ask, capture_output=True, text=True).stdout.splitlines():
        site, _, release = line.partition(" ")
        if re.search(r"/debian/?$", site) and "security" not in release:
            return site
    raise LabError("apt's sources on this machine name no Debian archive (.../debian)")


def apt_transport_options():
    """Proxies and the like, so that apt inside the root reaches what apt here reaches."""
    keys = ["Acquire::http", "Acquire::https", "Acquire::Retries",
            "Acquire::Check-Valid-Until", "Acquire::Check-Date"]
    ask = ["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', *keys]
    return subprocess.run(ask, capture_output=True, text=True).stdout
