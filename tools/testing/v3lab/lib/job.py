# SPDX-License-Identifier: GPL-2.0
"""One guest job: what to run where, and running it."""

import os
import sys
import tempfile
from dataclasses import dataclass, field

import cache
import initramfs
import qemu
import verdict
from cache import say

BOOTS = 3


@dataclass
class Job:
    command: list
    modules: list = field(default_factory=list)  # (file name, contents, parameters)
    files: list = field(default_factory=list)    # (host path, guest path)
    append: list = field(default_factory=list)
    devices: list = field(default_factory=list)
    allow: list = field(default_factory=list)    # regular expressions
    smp: int = 2
    mem: str | None = None
    icount: bool = False
    rmmod: bool = False
    timeout: int | None = None
    log: str | None = None                       # file for the kernel log
    console: bool = False                        # show the kernel's console


@dataclass
class Result:
    status: int
    reasons: list
    output: str
    log: str


def scratch():
    os.makedirs(cache.path("tmp"), exist_ok=True)
    return tempfile.TemporaryDirectory(dir=cache.path("tmp"))


def boot(kernel, machine, job, quiet):
    """(guest, what PID 1 said, whether it ended in time) of one boot."""
    with scratch() as tmp:
        initrd = os.path.join(tmp, "initrd")
        initramfs.write(initrd, kernel, machine, job)
        guest = qemu.Guest(qemu.command_line(kernel, machine, job, initrd), job.console, quiet)
        in_time = guest.run(job.timeout or kernel.timeout)
    return guest, verdict.Report(guest.decoded("verdict")), in_time


def run(kernel, machine, job, quiet=False):
    """Boots until PID 1 is up with a clock that can be trusted, at most BOOTS times: on a busy host
    a guest may fail that, and then nothing of the job has run yet."""
    for attempt in range(BOOTS):
        guest, report, in_time = boot(kernel, machine, job, quiet)
        if "up" in report.said or not in_time or guest.process.returncode:
            break
        say(f"guest did not come up ({guest.shutdown}, {report.said}); boot {attempt + 1} of {BOOTS}")
    console = guest.decoded("console")
    status, reasons = verdict.judge(report, console, guest.shutdown, not in_time, job.allow)
    if guest.process.returncode and in_time:
        reasons.append(f"QEMU ended with status {guest.process.returncode}:\n"
                       + guest.decoded("emulator").rstrip())
    result = Result(status, reasons, guest.decoded("output"), report.log or console)
    if job.log:
        with open(job.log, "w") as f:
            f.write(result.log)
    return result


def explain(result, lines=60):
    """Says why a run failed, and shows what the kernel logged about it."""
    for reason in result.reasons:
        print(f"v3lab: {reason}", file=sys.stderr)
    if result.status in (verdict.LOG_DIRTY, verdict.NOT_CLEAN, verdict.TIMED_OUT):
        print("v3lab: from the kernel log:", file=sys.stderr)
        for line in verdict.excerpt(result.log, lines):
            print(f"  | {line}", file=sys.stderr)
