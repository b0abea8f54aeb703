# SPDX-License-Identifier: GPL-2.0
"""Proves, once per kernel, machine and emulator, that a machine's IOMMU stands between its devices
and memory. A lane without that proof tests nothing."""

import os

import cache
import conf
import job
import modbuild
import root
from cache import say
from host import NotProven

MODULE = "v3lab_proof.ko"


def qemu_version():
    note = os.path.join(root.ready(), "var/lib/v3lab/qemu-version")
    if not os.path.exists(note):
        cache.write_file(note, root.output(["qemu-system-x86_64", "--version"]))
    with open(note) as f:
        return f.read()


def stamp(kernel, machine):
    with open(os.path.join(conf.LAB, "devices.conf")) as f:
        devices = f.read()
    with open(os.path.join(conf.LAB, "proof/v3lab_proof.c")) as f:
        proof = f.read()
    key = cache.digest(kernel.id(), machine.text(), devices, proof, qemu_version())
    return cache.path("proofs", f"{kernel.name}-{machine.name}-{key}")


def run(kernel, machine):
    source = os.path.join(conf.LAB, "proof")
    with job.scratch() as tmp:
        (module,) = modbuild.external(kernel, source, out=tmp, alone=True)
        with open(module, "rb") as f:
            entry = (MODULE, f.read(), "")
    return job.run(kernel, machine, job.Job(command=["true"], modules=[entry]), quiet=True)


def ensure(kernel, machine, again=False):
    if not machine.all("iommu"):
        return
    note = stamp(kernel, machine)
    if os.path.exists(note) and not again:
        return
    with cache.lock(os.path.basename(note)):
        if os.path.exists(note) and not again:
            return
        say(f"proving that {machine.name} translates and refuses stray DMA under {kernel.name}")
        result = run(kernel, machine)
        lines = [line for line in result.log.splitlines() if " pci " in line and "v3lab_proof: " in line]
        for line in lines:
            say("  " + line)
        if result.status:
            job.explain(result)
            raise NotProven(f"not proven: {machine.name} under {kernel.name}")
        cache.write_file(note, "\n".join(lines) + "\n")
