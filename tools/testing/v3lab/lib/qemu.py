# SPDX-License-Identifier: GPL-2.0
"""Runs one guest under QEMU (always TCG) and collects what comes out of it."""

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time

import conf
import root

PORTS = ("console", "output", "verdict")
CHANNELS = (*PORTS, "emulator")


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def command_line(kernel, machine, job, initrd):
    accel = "tcg,thread=multi" if job.smp > 1 and not job.icount else "tcg,thread=single"
    args = ["qemu-system-x86_64", "-accel", accel, "-cpu", machine.get("cpu", "max,la57=off"),
            "-M", machine.get("machine", "q35,sata=off,smbus=off,hpet=off"),
            "-m", job.mem or kernel.mem, "-smp", str(job.smp),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    if job.icount:
        args += ["-icount", "shift=0,sleep=off"]
    # The IOMMU comes first: devices are put behind it as they are created.
    fixed = conf.Conf(os.path.join(conf.LAB, "devices.conf")).all("device")
    for device in [*machine.all("iommu"), *fixed, *machine.all("device"), *job.devices]:
        args += ["-device", device]
    # A busy host starves the guest's timer checks and clock watchdog into false alarms.
    append = ["console=ttyS0", "loglevel=5", "panic=-1", "oops=panic", "no_timer_check",
              "tsc=reliable", "rcupdate.rcu_cpu_stall_timeout=120",
              *kernel.append, *machine.all("append"), *job.append]
    return args + ["-kernel", kernel.image, "-initrd", initrd, "-append", " ".join(append)]


class Guest:
    """One QEMU process; every channel is a socket pair, so nothing is left on disk."""

    def __init__(self, args, show_console, quiet):
        self.text = {name: b"" for name in CHANNELS}
        self.shutdown = None
        self.selector = selectors.DefaultSelector()
        self.far = []
        for port in PORTS:
            args = args + ["-chardev", f"socket,id={port},fd={self.channel(port)}",
                           "-serial", f"chardev:{port}"]
        args = args + ["-chardev", f"socket,id=qmp,fd={self.channel('qmp')}",
                       "-object", "monitor-qmp,id=monitor,chardev=qmp"]
        self.qmp_rest = b""
        self.echo = {} if quiet else {"output": sys.stdout.buffer}
        if show_console:
            self.echo["console"] = self.echo["emulator"] = sys.stderr.buffer
        emulator = self.channel("emulator")
        self.process = subprocess.Popen(
            root.argv(args, binds=root.usual_binds()), stdin=subprocess.DEVNULL, stderr=emulator,
            pass_fds=[s.fileno() for s in self.far], preexec_fn=die_with_parent)
        for s in self.far:
            s.close()

    def channel(self, name):
        near, far = socket.socketpair()
        self.far.append(far)
        self.selector.register(near, selectors.EVENT_READ, name)
        if name == "qmp":
            near.sendall(b'{"execute": "qmp_capabilities"}\n')
        return far.fileno()

    def take(self, name, data):
        if name == "qmp":
            *lines, self.qmp_rest = (self.qmp_rest + data).split(b"\n")
            for line in lines:
                message = json.loads(line)
                if message.get("event") == "SHUTDOWN":
                    self.shutdown = message["data"].get("reason")
            return
        self.text[name] += data
        if name in self.echo:
            self.echo[name].write(data)
            self.echo[name].flush()

    def run(self, timeout):
        """Until QEMU is gone and its channels are drained; False if it had to be killed."""
        deadline = time.monotonic() + timeout
        in_time = True
        while self.selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0 and in_time:
                in_time = False
                self.process.kill()
            for key, _ in self.selector.select(max(left, 0) if in_time else None):
                data = self.receive(key.fileobj)
                if data:
                    self.take(key.data, data)
                else:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
        self.process.wait()
        return in_time

    @staticmethod
    def receive(channel):
        try:
            return channel.recv(65536)
        except ConnectionResetError:
            return b""

    def decoded(self, port):
        return self.text[port].decode(errors="replace").replace("\r\n", "\n")
