# SPDX-License-Identifier: GPL-2.0
"""KUnit in a user-mode kernel: a source tree with the overlay linked in, the tree's own kunit.py."""

import os
import shutil
import subprocess
import sys

import cache
import conf
import root
import source
import verdict
from host import LabError

SERIES = "7.3"
OVERLAY = ("drivers/iommu/v3compat", "drivers/iommu/iommusim", "samples/v3compat")
KUNITCONFIG = "drivers/iommu/v3compat/.kunitconfig"


def tree():
    """A tree of hard links to the pristine one; link-into-tree replaces files, never writes them.

    All checkouts share it and its build, for the kernel around the overlay is the same. The overlay's
    own objects are not: make goes by paths and times, which tell two checkouts' files not apart.
    """
    version = source.version_of(SERIES)
    target = cache.path("src", f"linux-{version}-overlay")
    build = cache.path("kunit", version)
    note = os.path.join(build, "checkout")
    if not (os.path.isdir(target) and os.path.exists(note) and read(note) == conf.CHECKOUT):
        pristine = source.tree(SERIES)
        shutil.rmtree(target, ignore_errors=True)
        for part in OVERLAY:
            shutil.rmtree(os.path.join(build, part), ignore_errors=True)
        with cache.made_aside(target) as aside:
            subprocess.run(["cp", "-al", os.path.realpath(pristine) + "/.", aside], check=True)
        cache.write_file(note, conf.CHECKOUT)
    return target, build


def read(path):
    with open(path) as f:
        return f.read()


def link_overlay(top):
    script = os.path.join(conf.CHECKOUT, "scripts/link-into-tree")
    if subprocess.run([script, top], stdout=sys.stderr).returncode:
        raise LabError(f"{script} {top} failed")


def lane():
    return cache.lock("kunit")


def kunit_py(verb, arguments):
    """(status, build directory) of one run of the tree's kunit.py on the overlay."""
    root.ready()
    top, build = tree()
    if verb != "exec":
        link_overlay(top)
    line = ["env", "PYTHONUNBUFFERED=1", "tools/testing/kunit/kunit.py", verb, f"--build_dir={build}",
            f"--kunitconfig={KUNITCONFIG}", *arguments]
    done = subprocess.run(root.argv(line, cwd=top, binds=root.usual_binds("/tmp")))
    return done.returncode, build


def prepare():
    with lane():
        status, _ = kunit_py("build", [f"--jobs={os.cpu_count()}"])
    if status:
        raise LabError("the user-mode kernel does not build")


def is_built():
    """True if the last build was of this checkout, whatever was changed in it since."""
    build = cache.path("kunit", source.version_of(SERIES))
    note = os.path.join(build, "checkout")
    return os.path.exists(os.path.join(build, "vmlinux")) and os.path.exists(note) and read(note) == conf.CHECKOUT


def run(arguments, allow, built):
    """kunit.py's own status, unless the user-mode kernel's log is dirty. With @built what was built last is run."""
    with lane():
        if built and is_built():
            status, build = kunit_py("exec", arguments)
        else:
            status, build = kunit_py("run", [f"--jobs={os.cpu_count()}", *arguments])
        return status or judge_log(os.path.join(build, "test.log"), allow)


def judge_log(path, allow):
    if not os.path.exists(path):
        return 0
    with open(path, errors="replace") as f:
        dirty = verdict.findings(f.read(), allow)
    for line in dirty:
        print(f"v3lab: kernel log: {line}", file=sys.stderr)
    return verdict.LOG_DIRTY if dirty else 0
