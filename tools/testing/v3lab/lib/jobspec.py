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


class Modules:
    """Finds modules: those that --insmod names as files, this project's, the kernel's."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.files = {}       # path by module name, as given
        self.parameters = {}  # by module name, in the order of the command line
        self.built = None

    def name(self, argument):
        """FILE, or the name of a module of this project or of the kernel; parameters after a space."""
        given, _, parameters = argument.partition(" ")
        name = modules.plain(given)
        if name in self.parameters:
            raise LabError(f"--insmod names module {name} twice")
        self.parameters[name] = parameters
        if "/" in given or modules.is_file_name(given):
            self.files[name] = given

    def project(self):
        if self.built is None:
            self.built = {modules.plain(path): path for path in modbuild.project(self.kernel)}
        return self.built

    def beside(self, name):
        """What a named file needs may lie beside it: a driver of several modules."""
        for path in self.files.values():
            folder = os.path.dirname(path) or "."
            for file in os.listdir(folder):
                if modules.is_file_name(file) and modules.plain(file) == name:
                    return os.path.join(folder, file)
        return None

    def find(self, name):
        path = self.files.get(name) or self.project().get(name) or self.beside(name)
        if path:
            return os.path.basename(path).removesuffix(".xz"), read(path), self.parameters.get(name, "")
        entry = modules.in_kernel(self.kernel, name)
        return entry and (*entry[:2], self.parameters.get(name, ""))


def module_entries(kernel, machine, arguments):
    """What --insmod names and what that needs, in load order, but for what the machine has loaded."""
    known = Modules(kernel)
    for argument in arguments:
        known.name(argument)
    loaded = {modules.plain(entry[0]) for entry in modules.of_machine(kernel, machine)}
    loaded -= known.parameters.keys()
    return modules.in_order(known.parameters,
                            lambda name: None if name in loaded else known.find(name))


def read(path):
    try:
        return modules.read(path)
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
    the_job = job.Job(
        command=command, modules=module_entries(kernel, machine, args.insmod),
        files=[file_pair(a) for a in args.file],
        append=args.append, devices=args.device, allow=args.allow,
        smp=args.smp or (1 if args.icount else 2), mem=args.mem, icount=args.icount,
        rmmod=args.rmmod, timeout=args.timeout, log=args.log, console=args.console)
    if not args.unproven:
        proof.ensure(kernel, machine)
    result = job.run(kernel, machine, the_job)
    sys.stdout.flush()
    job.explain(result)
    return result.status
