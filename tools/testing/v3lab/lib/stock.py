# SPDX-License-Identifier: GPL-2.0
"""The distribution's kernels: image, modules and headers, installed in the root with its apt."""

import json
import os
import re

import cache
import conf
import host
import root
from cache import say
from host import LabError


def record(series):
    return os.path.join(root.directory(), "var/lib/v3lab", f"{series}.json")


def newest_release(series):
    """The newest kernel release of a series that has headers, as `7.3.4+deb13-amd64`."""
    wanted = re.compile(r"linux-headers-(%s\.(\d+)\S*-amd64)$" % re.escape(series))
    found = []
    for name in root.output(["apt-cache", "pkgnames", f"linux-headers-{series}."]).split():
        match = wanted.match(name)
        if match and not re.search(r"-(rt|cloud)-", name):
            found.append((int(match.group(2)), match.group(1)))
    if not found:
        raise LabError(f"no linux-headers-{series}.* package in the root's suites")
    return max(found)[1]


def packages(release):
    """Headers, image and modules; newer kernels have the last two in packages of their own."""
    known = root.output(["apt-cache", "pkgnames", "linux-binary-"]).split()
    if f"linux-binary-{release}" in known:
        images = [f"linux-binary-{release}", f"linux-modules-{release}"]
    else:
        images = [f"linux-image-{release}"]
    return [f"linux-headers-{release}", *images]


def apt_install(names):
    """INITRD=No: nobody boots from this root, so no package needs to build an initramfs."""
    root.run(["dpkg", "--configure", "-a"])
    root.run(["env", "INITRD=No", "apt-get", "-q", "-y", "-t", conf.root().get("backports"), "install", *names])
    root.run(["apt-get", "clean"])



def find_image(release):
    top = root.directory()
    for name in (f"usr/lib/modules/{release}/vmlinuz", f"boot/vmlinuz-{release}"):
        if os.path.exists(os.path.join(top, name)):
            return os.path.join(top, name)
    raise LabError(f"no image of {release} in {top}")


def install(series):
    root.run(["apt-get", "-q", "update"])
    release = newest_release(series)
    say(f"installing kernel {release} (image, modules, headers) in the root")
    names = packages(release)
    apt_install(names)
    version = root.output(["dpkg-query", "-W", "-f", "${Version}", names[0]])
    facts = {
        "release": release,
        "version": version,
        "image": find_image(release),
        "kdir": f"/lib/modules/{release}/build",
        "modules": os.path.join(root.directory(), "usr/lib/modules", release),
    }
    cache.write_file(record(series), json.dumps(facts, indent=1) + "\n")


def facts(series, refresh=False):
    root.ready()
    if refresh or not os.path.exists(record(series)):
        with cache.lock("apt"):
            if refresh or not os.path.exists(record(series)):
                install(series)
    with open(record(series)) as f:
        return json.load(f)
