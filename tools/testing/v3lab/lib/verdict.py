# SPDX-License-Identifier: GPL-2.0
"""Judges a finished guest: what PID 1 said, what the kernel logged, how the machine went off."""

import os
import re

import conf

LOG_DIRTY = 120
NOT_CLEAN = 121
NOT_PROVEN = 123
TIMED_OUT = 124
LAB_ERROR = 125

# Documentation/admin-guide/tainted-kernels.rst
TAINTS = {5: "bad page", 7: "died", 9: "warned", 14: "soft lockup"}


def rules():
    with open(os.path.join(conf.LAB, "kernel-log.rules")) as f:
        lines = [line.rstrip("\n") for line in f]
    return re.compile("|".join(f"(?:{line})" for line in lines if line and line[0] != "#"))


def without_stamp(line):
    return re.sub(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?", "", line)


def findings(log, allowed):
    """The lines of a kernel log that break a rule.

    A report opens with a cut line and names itself on the next, so an allowed name forgives both.
    """
    rule = rules()
    allow = [re.compile(pattern) for pattern in allowed]
    lines = [without_stamp(line.rstrip()) for line in log.splitlines()]
    found = []
    for number, line in enumerate(lines):
        if not rule.search(line):
            continue
        report = "\n".join(lines[number:number + 4])
        if not any(pattern.search(report) for pattern in allow):
            found.append(line)
    return list(dict.fromkeys(found))


def excerpt(log, count):
    """The part of a log worth showing: from the first line that breaks a rule, else the end."""
    rule = rules()
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if rule.search(without_stamp(line)):
            return lines[number:number + count]
    return lines[-count:]


class Report:
    """What PID 1 said on the verdict port."""

    def __init__(self, text):
        head, sep, rest = text.partition("\nlog\n")
        self.said = {}
        for line in head.splitlines():
            key, _, value = line.partition(" ")
            self.said[key] = value
        self.log, end, _ = rest.rpartition("\nend\n")
        self.complete = bool(sep and end)

    def number(self, key):
        value = self.said.get(key, "")
        return int(value) if value.isdigit() else None


def judge(report, console, shutdown, timed_out, allowed):
    """(exit status, [reasons]); the status tells the gravest thing, the reasons tell all."""
    dirty = findings(report.log + "\n" + console, allowed)
    tainted = report.number("tainted") or 0
    if not allowed:
        dirty += [f"kernel is tainted: {what}" for bit, what in TAINTS.items() if tainted >> bit & 1]
    clean = report.complete and shutdown == "guest-shutdown"
    status = report.number("status")
    reasons = [f"kernel log: {line}" for line in dirty]
    for what in ("insmod", "rmmod"):
        if what in report.said:
            reasons.append(f"{what} {report.said[what]} failed")
    if timed_out:
        reasons.append("timed out")
    elif not clean:
        reasons.append(f"guest did not power off cleanly (QEMU saw: {shutdown or 'nothing'})")
    if status:
        reasons.append(f"command exited with status {status}")
    if timed_out:
        return TIMED_OUT, reasons
    if dirty:
        return LOG_DIRTY, reasons
    if not clean or status is None:
        return NOT_CLEAN, reasons
    return status, reasons
