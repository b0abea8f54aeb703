# SPDX-License-Identifier: GPL-2.0
"""The guest's file system: busybox, PID 1, the job's modules, files and command."""

import os
import shlex

import cache
import conf
import cpio
import modules
import root


def applets():
    note = os.path.join(root.ready(), "var/lib/v3lab/applets")
    if not os.path.exists(note):
        cache.write_file(note, root.output(["busybox", "--list"]))
    with open(note) as f:
        return f.read().split()


def base(archive):
    archive.directory("/proc")
    archive.directory("/sys")
    archive.directory("/dev")
    archive.device("/dev/console", 5, 1)
    archive.copy(os.path.join(root.ready(), "bin/busybox"), "/bin/busybox")
    for name in applets():
        if name != "busybox":
            archive.symlink(f"/bin/{name}", "busybox")
    archive.copy(os.path.join(conf.LAB, "guest/init"), "/init")


def module_list(archive, name, entries):
    """entries: (file name, contents, parameters) in load order."""
    lines = []
    for number, (file, data, parameters) in enumerate(entries):
        path = f"/v3lab/{name}.d/{file}"
        if path in " ".join(lines):
            path = f"/v3lab/{name}.d/{number}-{file}"
        archive.file(path, data)
        lines.append(f"{path} {parameters}".rstrip())
    archive.file(f"/v3lab/{name}", "".join(line + "\n" for line in lines).encode())


def command_script(command):
    """One word is a shell command line; several are a program and its arguments."""
    line = command[0] if len(command) == 1 else "exec " + shlex.join(command)
    return f"#!/bin/sh\ncd /root\n{line}\n".encode()


def write(path, kernel, machine, job):
    with open(path, "wb") as out:
        archive = cpio.Archive(out)
        base(archive)
        module_list(archive, "machine-modules", modules.of_machine(kernel, machine))
        module_list(archive, "modules", job.modules)
        for host, guest in job.files:
            archive.copy(host, guest)
        if job.rmmod:
            archive.file("/v3lab/rmmod", b"")
        archive.file("/v3lab/command", command_script(job.command), 0o755)
        archive.close()
