# SPDX-License-Identifier: GPL-2.0
"""Blocks of the module: where the compiler has put a call of __sanitizer_cov_trace_pc, in objects that are built with
V3COMPAT_KCOV=1, and which of them a program has reached that prints what KCOV saw (selftests/v3compat/kcov.h). For scripts
that run in the lab, which has readelf and objdump."""

import functools
import re
import subprocess
import sys
from collections import Counter, defaultdict

TRACE = "__sanitizer_cov_trace_pc"
CALL_SIZE = 5  # KCOV keeps the address behind the call
AT_LOAD = (".init.text", ".exit.text", ".text.startup", ".text.exit")


@functools.cache
def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def symbols(path):
    """{name: (section, offset)} of what is defined, {names} of what is not."""
    defined, undefined = {}, set()
    sections = dict(re.findall(r"^ *\[ *(\d+)\] (\S+)", run("readelf", "-SW", path), re.M))
    for line in run("readelf", "-sW", path).splitlines():
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
            continue
        if fields[6] == "UND":
            undefined.add(fields[7])
        elif fields[6] in sections and fields[3] == "FUNC":
            defined[fields[7]] = (sections[fields[6]], int(fields[1], 16))
    return defined, undefined


def calls(path):
    """(section, function, offset of the block that it is in, what is called), for each call by a relocation."""
    section = function = None
    block = 0
    for line in run("objdump", "-dr", path).splitlines():
        if match := re.match(r"Disassembly of section (\S+):", line):
            section = match[1]
        elif match := re.match(r"[0-9a-f]+ <(\S+)>:", line):
            function = match[1].removesuffix(".cold")
        elif match := re.match(r"\s+([0-9a-f]+): R_X86_64_(?:PLT32|PC32)\s+(\w+)-0x4", line):
            if match[2] == TRACE:
                # The relocation is of the call's operand, one byte behind its beginning.
                block = int(match[1], 16) - 1 + CALL_SIZE
            if section not in AT_LOAD:
                yield section, function, block, match[2]


def sites(path, callees):
    """{(section, function): [(offset of a block, what it calls)]} where that matches @callees."""
    found = defaultdict(list)
    for section, function, block, callee in calls(path):
        if callees.fullmatch(callee):
            found[section, function].append((block, callee))
    return found


def blocks(path):
    """{(section, function): [offsets behind calls]} of an object."""
    return {where: [offset for offset, _ in found] for where, found in sites(path, re.compile(TRACE)).items()}


class Module:
    """The built module, and where in it the blocks of its objects are."""

    def __init__(self, build):
        self.symbols, _ = symbols(build / "v3compat.ko")
        self.blocks = {(section, offset) for (section, _), offsets in blocks(build / "v3compat.ko").items()
                       for offset in offsets}

    def starts(self, path):
        """{section of the object: (section of the module, where the object's begins there)}"""
        votes = defaultdict(Counter)
        for name, (section, offset) in symbols(path)[0].items():
            if name in self.symbols:
                votes[section][self.symbols[name][0], self.symbols[name][1] - offset] += 1
        # A static function may have the same name in several objects: what most say is right.
        return {section: found.most_common(1)[0][0] for section, found in votes.items()}

    def locate(self, path, section, offsets):
        """[(section, offset) in the module] of blocks of an object, which must be what the module was made of."""
        name, start = self.starts(path).get(section, (section, 0))
        found = [(name, start + offset) for offset in offsets]
        if not self.blocks.issuperset(found):
            sys.exit(f"{path} is not what the module was made of")
        return found


def reached(report, sections=(".text", ".text.unlikely")):
    """[(section, offset)] of what the run printed."""
    lines = [line[8:] for line in report.splitlines() if line.startswith("# cover ")]
    if not lines:
        sys.exit("there is no coverage in the report")
    start = dict(zip(lines[0].split()[::2], (int(n, 16) for n in lines[0].split()[1::2])))
    order = sorted((start[s], s) for s in sections if start.get(s))
    found = set()
    for address in (int(n, 16) for line in lines[1:] for n in line.split()):
        below = [(at, s) for at, s in order if at <= address]
        if below:
            found.add((below[-1][1], address - below[-1][0]))
    return found


def reasons_of(path):
    """A function that says why something is not reached, or nothing, from lines "regular expression - reason"."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            what, _, why = line.partition(" - ")
            found.append((re.compile(what.strip()), why))
    return lambda name: next((why for pattern, why in found if pattern.fullmatch(name)), "")
