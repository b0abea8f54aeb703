# SPDX-License-Identifier: GPL-2.0
"""Kernel source trees, from the distribution's linux-source packages."""

import glob
import os
import re

import cache
import root
from cache import say
from host import LabError


def version_of(series):
    """The version of linux-source-SERIES; once resolved it stays, so that a cached run asks nobody."""
    note = os.path.join(root.ready(), "var/lib/v3lab", f"source-{series}")
    if not os.path.exists(note):
        with cache.lock("apt"):
            root.run(["apt-get", "-q", "update"])
            policy = root.output(["apt-cache", "show", "--no-all-versions", f"linux-source-{series}"])
        match = re.search(r"^Version: (.*)$", policy, re.M)
        if not match:
            raise LabError(f"no linux-source-{series} package in the root's suites")
        cache.write_file(note, match.group(1) + "\n")
    with open(note) as f:
        return f.read().strip()


def unpack(series, target):
    say(f"fetching and unpacking linux-source-{series} into {target}")
    with cache.made_aside(target) as aside:
        root.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
                  f"linux-source-{series}"], cwd=aside)
        (deb,) = glob.glob(os.path.join(aside, "*.deb"))
        shell = ("set -o pipefail; dpkg-deb --fsys-tarfile \"$1\" | "
                 f"tar -xO ./usr/src/linux-source-{series}.tar.xz | "
                 "tar -xJ --strip-components=1")
        root.run(["bash", "-c", shell, "unpack", deb], cwd=aside)
        os.unlink(deb)


def tree(series, use="pristine"):
    """A source tree for one use: `pristine` is never written to, others may be changed by their user."""
    target = cache.path("src", f"linux-{version_of(series)}-{use}")
    if not os.path.isdir(target):
        with cache.lock(os.path.basename(target)):
            if not os.path.isdir(target):
                os.makedirs(cache.path("src"), exist_ok=True)
                unpack(series, target)
    return target
