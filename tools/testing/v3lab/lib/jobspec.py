# SPDX-License-Identifier: GPL-2.0
"""`v3lab run`: from the command line to a job."""

import os
import sys

import conf
import job
import kernels
import modbuild
import modules
import proof
from host import LabError


def module_entries(kernel, argument):
    """FILE, or the name of a module of this project or of the kernel; parameters after a space."""
    name, _, parameters = argument.partition(" ")
    if "/" in name or name.endswith(".ko"):
        return [(os.path.basename(name), read(name), parameters)]
    for path in modbuild.project(kernel):
        if modules.plain(path) == modules.plain(name):
            return [(os.path.basename(path), read(path), parameters)]
    *needed, own = modules.with_dependencies(kernel, name) or [None]
    if own is None:
        return []
    return [(n, d, "") for n, d in needed] + [(*own, parameters)]


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}") from error


def file_pair(argument):
    host, sep, guest = argument.partition(":")
    if not os.path.exists(host):
        raise LabError(f"no such file: {host}")
    return host, guest or "/root/" + os.path.basename(os.path.abspath(host))


def run(args, command):
    if not command:
        raise LabError("run: no command; usage: v3lab run [options] -- COMMAND...")
    kernel = kernels.get(args.kernel)
    machine = conf.load("machines", args.machine)
    entries = [entry for argument in args.insmod for entry in module_entries(kernel, argument)]
    the_job = job.Job(
        command=command, modules=entries, files=[file_pair(a) for a in args.file],
        append=args.append, devices=args.device, allow=args.allow,
        smp=args.smp or (1 if args.icount else 2), mem=args.mem, icount=args.icount,
        rmmod=args.rmmod, timeout=args.timeout, log=args.log, console=args.console)
    if not args.unproven:
        proof.ensure(kernel, machine)
    result = job.run(kernel, machine, the_job)
    sys.stdout.flush()
    job.explain(result)
    return result.status
