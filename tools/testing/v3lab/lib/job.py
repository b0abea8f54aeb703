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


def run(kernel, machine, job, quiet=False):
    with scratch() as tmp:
        initrd = os.path.join(tmp, "initrd")
        initramfs.write(initrd, kernel, machine, job)
        guest = qemu.Guest(qemu.command_line(kernel, machine, job, initrd), job.console, quiet)
        in_time = guest.run(job.timeout or kernel.timeout)
    report = verdict.Report(guest.decoded("verdict"))
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
    """Says why a run failed, and shows the end of the kernel log when the log is the reason."""
    for reason in result.reasons:
        print(f"v3lab: {reason}", file=sys.stderr)
    if result.status in (verdict.LOG_DIRTY, verdict.NOT_CLEAN, verdict.TIMED_OUT):
        print(f"v3lab: last lines of the kernel log:", file=sys.stderr)
        for line in result.log.splitlines()[-lines:]:
            print(f"  | {line}", file=sys.stderr)
