# SPDX-License-Identifier: GPL-2.0
"""Copies a source directory to where it is built, so that sources stay clean and kernels do not mix."""

import contextlib
import filecmp
import os
import shutil

GENERATED = (".o", ".ko", ".mod", ".mod.c", ".cmd", ".order", ".symvers", ".a", ".pyc")
SKIPPED = {".git", "__pycache__"}


def is_source(name):
    return name not in SKIPPED and not name.endswith(GENERATED)


def listing(top, keep):
    found = {}
    for where, dirs, files in os.walk(top):
        inside = os.path.relpath(where, top)
        dirs[:] = [d for d in dirs if is_source(d) and keep(os.path.normpath(os.path.join(inside, d)))]
        for name in files:
            path = os.path.normpath(os.path.join(inside, name))
            if is_source(name) and keep(path):
                found[path] = os.path.join(where, name)
    return found


def is_same(a, b):
    return os.path.isfile(b) and filecmp.cmp(a, b, shallow=False)


def copy(source, target, keep=lambda path: True, built=None):
    """Makes target's sources those of source; files that did not change keep their time, so make
    has nothing to do for them, and sources that are gone disappear. The others get the time of the
    copy: by their own they could be older than an object that was built before they came. The file
    @built is gone before anything changes."""
    note = os.path.join(target, ".v3lab-sources")
    before = set()
    if os.path.exists(note):
        with open(note) as f:
            before = set(f.read().splitlines())
    now = listing(source, keep)
    gone = [path for path in before - now.keys() if os.path.exists(os.path.join(target, path))]
    changed = [path for path, origin in now.items() if not is_same(origin, os.path.join(target, path))]
    if built and (gone or changed):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(built)
    for path in gone:
        os.unlink(os.path.join(target, path))
    for path in changed:
        there = os.path.join(target, path)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        shutil.copyfile(now[path], there)
        shutil.copymode(now[path], there)
    os.makedirs(target, exist_ok=True)
    with open(note, "w") as f:
        f.write("".join(path + "\n" for path in sorted(now)))
