# SPDX-License-Identifier: GPL-2.0
"""Kernel modules by name: found in a kernel's own tree, with what they depend on."""

import lzma
import os
import re

from host import LabError


def plain(name):
    return re.sub(r"\.ko(\.xz)?$", "", os.path.basename(name)).replace("-", "_")


def is_file_name(name):
    """A distribution's modules are compressed."""
    return name.endswith((".ko", ".ko.xz"))


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


def in_order(names, find):
    """[(file name, contents, parameters)] of the named modules, each once and after those it needs.

    find(name) gives a module's entry, or None if it need not be loaded.
    """
    seen, order = set(), []

    def visit(name):
        name = plain(name)
        if name in seen:
            return
        seen.add(name)
        entry = find(name)
        if entry:
            for needed in dependencies(entry[1]):
                visit(needed)
            order.append(entry)

    for name in names:
        visit(name)
    return order


def in_kernel(kernel, name):
    """The entry of a kernel's own module; None for what is built in."""
    if is_builtin(kernel, name):
        return None
    known = index(kernel)
    if name not in known:
        raise LabError(f"kernel {kernel.release} has no module {name}")
    return f"{name}.ko", read(known[name]), ""


def of_machine(kernel, machine):
    """What a machine's data file loads before anything else."""
    return in_order(machine.words("module"), lambda name: in_kernel(kernel, name))
