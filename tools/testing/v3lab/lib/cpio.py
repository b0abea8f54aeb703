# SPDX-License-Identifier: GPL-2.0
"""Writes initramfs archives (cpio "newc"); the host may have no cpio program."""

import os
import stat


class Archive:
    def __init__(self, out):
        self.out = out
        self.inode = 0
        self.made = set()

    def entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        name = name.strip("/")
        raw = name.encode() + b"\0"
        head = "070701" + "".join(f"{v:08x}" for v in (
            self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0))
        self.out.write(self.padded(head.encode() + raw) + self.padded(data))

    @staticmethod
    def padded(data):
        return data + b"\0" * (-len(data) % 4)

    def directory(self, name):
        name = name.strip("/")
        if name and name not in self.made:
            self.directory(os.path.dirname(name))
            self.made.add(name)
            self.entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.directory(os.path.dirname(name))
        self.entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self.directory(os.path.dirname(name))
        self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        self.directory(os.path.dirname(name))
        self.entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def copy(self, host, name):
        """A file, or a directory with everything in it."""
        if os.path.islink(host) and not os.path.exists(host):
            self.symlink(name, os.readlink(host))
        elif os.path.isdir(host):
            self.directory(name)
            for child in sorted(os.listdir(host)):
                self.copy(os.path.join(host, child), f"{name}/{child}")
        else:
            with open(host, "rb") as f:
                self.file(name, f.read(), stat.S_IMODE(os.stat(host).st_mode))

    def close(self):
        self.entry("TRAILER!!!", 0)
        self.out.write(b"\0" * (-self.out.tell() % 512))
