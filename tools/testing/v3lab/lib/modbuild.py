# SPDX-License-Identifier: GPL-2.0
"""Builds out-of-tree modules: this project's own, and anybody's on top of it."""

import contextlib
import glob
import os
import shutil
import subprocess
import sys

import cache
import conf
import root
import sync
from host import LabError

PROJECT_PARTS = ("drivers", "include", "samples", "tools", "scripts", "Kbuild", "Kconfig", "Makefile")
INCLUDES = ("include", "include/v3compat", "include/uapi")
# This project's own sources build without a warning, or not at all.
STRICT = "W=1e"


def in_project(path):
    return path.split("/")[0] in PROJECT_PARTS and path != "build"


def place(kernel, source):
    return cache.path("build", kernel.id(), cache.digest(source))


def make(argv, cwd, binds=()):
    """Runs make in the root; its output goes to standard error, results alone to standard output."""
    line = root.argv(["make", f"-j{os.cpu_count()}", *argv], cwd=cwd, binds=root.usual_binds(*binds))
    if subprocess.run(line, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise LabError("module build failed")


def results(top):
    return sorted(p for p in glob.glob(os.path.join(top, "**", "*.ko"), recursive=True))


def shadow(kernel):
    """This checkout's sources, copied to where they are built for one kernel."""
    top = place(kernel, conf.CHECKOUT)
    sync.copy(conf.CHECKOUT, top, in_project, built_mark(top))
    return top


def built_mark(top):
    """The file that tells that the project's modules are those of the sources beside it."""
    return os.path.join(top, ".v3lab-built")


def forget(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def forget_links(modules):
    """Has modules linked again: objtool and modpost only warn, and only while they are. Otherwise they
    would have told whoever built first, and nobody who asks after that."""
    for module in modules:
        forget(module.removesuffix(".ko") + ".o")


def project_locked(kernel, extra=()):
    """Unless make is told @extra, it does not start for sources that did not change."""
    top = shadow(kernel)
    mark = built_mark(top)
    if extra:
        forget_links(results(os.path.join(top, "drivers")))
        # What is built with other words is not what the mark stands for.
        forget(mark)
    if not os.path.exists(mark):
        make(["--no-print-directory", f"KDIR={kernel.kdir}", STRICT, *extra], cwd=top)
        if not extra:
            cache.write_file(mark, "")
    return top


def project(kernel, extra=()):
    """Builds this project's modules for a kernel; the paths of the modules."""
    with cache.lock(f"build-{kernel.id()}"):
        top = project_locked(kernel, extra)
        return results(os.path.join(top, "drivers"))


def flags(top):
    found = [f"-I{os.path.join(top, d)}" for d in INCLUDES]
    symbols = sorted(glob.glob(os.path.join(top, "**", "Module.symvers"), recursive=True))
    return ["KCFLAGS=" + " ".join(found), "KBUILD_EXTRA_SYMBOLS=" + " ".join(symbols)]


def external(kernel, source, out=None, extra=(), alone=False):
    """Builds the Kbuild directory `source` and copies its modules to `out` (or back into it).

    It sees wdm.h and this project's symbols unless it stands alone.
    """
    source = os.path.realpath(source)
    if not any(os.path.exists(os.path.join(source, f)) for f in ("Kbuild", "Makefile")):
        raise LabError(f"{source} has neither Kbuild nor Makefile")
    out = os.path.abspath(out or source)
    os.makedirs(out, exist_ok=True)
    inside = os.path.relpath(source, conf.CHECKOUT)
    with cache.lock(f"build-{kernel.id()}"):
        top = shadow(kernel) if alone else project_locked(kernel)
        own = not inside.startswith("../")
        if own:
            work = os.path.join(top, inside)
        else:
            work = place(kernel, source)
            sync.copy(source, work)
        if extra:
            forget_links(results(work))
        words = [*([] if alone else flags(top)), *([STRICT] if own else []), *extra]
        make(["-C", kernel.kdir, f"M={work}", *words, "modules"], cwd=work)
        copied = []
        for module in results(work):
            copied.append(os.path.join(out, os.path.basename(module)))
            shutil.copy2(module, copied[-1])
    return copied
