# SPDX-License-Identifier: GPL-2.0
"""Kernel modules by name: found in a kernel's own tree, with what they depend on."""

import lzma
import os
import re

from host import LabError


def plain(name):
    return re.sub(r"\.ko(\.xz)?$", "", os.path.basename(name)).replace("-", "_")


def is_builtin(kernel, name):
    if not kernel.modules:
        return True
    with open(os.path.join(kernel.modules, "modules.builtin")) as f:
        return plain(name) in {plain(line.strip()) for line in f}


def index(kernel):
    found = {}
    for where, _, files in os.walk(os.path.join(kernel.modules, "kernel")):
        found.update({plain(f): os.path.join(where, f) for f in files if ".ko" in f})
    return found


def read(path):
    with (lzma.open if path.endswith(".xz") else open)(path, "rb") as f:
        return f.read()


def dependencies(data):
    match = re.search(rb"\0depends=([^\0]*)\0", data)
    return match.group(1).decode().split(",") if match and match.group(1) else []


def with_dependencies(kernel, name):
    """[(file name, contents)] in load order; nothing for what is built in."""
    if is_builtin(kernel, name):
        return []
    known, order = index(kernel), {}

    def visit(wanted):
        wanted = plain(wanted)
        if wanted in order or is_builtin(kernel, wanted):
            return
        if wanted not in known:
            raise LabError(f"kernel {kernel.release} has no module {wanted}")
        data = read(known[wanted])
        for needed in dependencies(data):
            visit(needed)
        order[wanted] = data

    visit(name)
    return [(f"{name}.ko", data) for name, data in order.items()]
