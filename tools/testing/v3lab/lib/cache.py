# SPDX-License-Identifier: GPL-2.0
"""The cache: where it is, who may write it, and what a finished entry looks like.

An entry is a directory named after what went into it. It is finished when it is at its final name
(things that can be moved) or holds the stamp file (build trees, which know their own path). Whatever
is neither is left over from an interruption and is made again.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import time

STAMP = ".v3lab-done"
_started = time.monotonic()


def directory():
    home = os.path.join(os.environ.get("HOME") or "/root", ".cache")
    base = os.environ.get("XDG_CACHE_HOME") or home
    return os.path.abspath(os.environ.get("V3LAB_CACHE") or os.path.join(base, "v3lab"))


def path(*parts):
    return os.path.join(directory(), *parts)


def say(text):
    print(f"v3lab: [{time.monotonic() - _started:6.1f}s] {text}", file=sys.stderr, flush=True)


def digest(*things):
    h = hashlib.sha256()
    for thing in things:
        h.update(thing if isinstance(thing, bytes) else str(thing).encode())
        h.update(b"\0")
    return h.hexdigest()[:12]


def file_digest(name):
    with open(name, "rb") as f:
        return digest(f.read())


@contextlib.contextmanager
def lock(name, shared=False):
    """Held by one process at a time; whoever comes second waits and then finds the work done."""
    os.makedirs(path("locks"), exist_ok=True)
    with open(path("locks", name.replace("/", "_")), "w") as f:
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(f, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another v3lab that is busy with {name}")
            fcntl.flock(f, mode)
        yield


def is_done(entry):
    return os.path.exists(os.path.join(entry, STAMP))


def mark_done(entry):
    with open(os.path.join(entry, STAMP), "w"):
        pass


@contextlib.contextmanager
def made_aside(final):
    """Gives a fresh directory that takes the name `final` only if the body succeeds."""
    aside = final + ".new"
    shutil.rmtree(aside, ignore_errors=True)
    os.makedirs(aside)
    yield aside
    os.rename(aside, final)


def write_file(name, text):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    aside = f"{name}.{os.getpid()}"
    with open(aside, "w") as f:
        f.write(text)
    os.rename(aside, name)
