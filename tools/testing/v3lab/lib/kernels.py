# SPDX-License-Identifier: GPL-2.0
"""Kernels by name (kernels/*.conf) or by path (a build tree)."""

import os
from dataclasses import dataclass

import built
import cache
import conf
import stock


@dataclass
class Kernel:
    name: str
    release: str
    version: str
    image: str
    kdir: str
    modules: str | None
    mem: str
    timeout: int
    append: list

    def id(self):
        return f"{self.name}-{self.version}-{cache.digest(self.image)}"


def get(name, refresh=False):
    if "/" in name:
        path = os.path.abspath(name)
        if path.endswith("/arch/x86/boot/bzImage"):
            path = path[:-len("/arch/x86/boot/bzImage")]
        facts, c = built.of_build_tree(path), None
        name = os.path.basename(path)
    else:
        c = conf.load("kernels", name)
        facts = stock.facts(c.get("series"), refresh) if c.get("series") else built.facts(c)
    value = c.get if c else (lambda key, default: default)
    return Kernel(name=name, mem=value("mem", "512M"), timeout=int(value("timeout", "600")),
                  append=c.all("append") if c else [], **facts)
