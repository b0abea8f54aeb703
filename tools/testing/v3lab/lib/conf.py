# SPDX-License-Identifier: GPL-2.0
"""Data files: `key = value` lines, `#` comments; a repeated key makes a list."""

import glob
import os

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(LAB)))


class ConfError(Exception):
    pass


class Conf:
    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.values = {}
        with open(path) as f:
            for number, line in enumerate(f, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                key, sep, value = line.partition("=")
                if not sep:
                    raise ConfError(f"{path}:{number}: not a 'key = value' line")
                self.values.setdefault(key.strip(), []).append(value.strip())

    def all(self, key):
        return self.values.get(key, [])

    def words(self, key):
        return " ".join(self.all(key)).split()

    def get(self, key, default=None):
        return self.values[key][-1] if key in self.values else default

    def sibling(self, name):
        return os.path.join(os.path.dirname(self.path), name)

    def text(self):
        with open(self.path) as f:
            return f.read()


def load(kind, name):
    """By name, or by the path of a data file that lives elsewhere."""
    if "/" in name and os.path.exists(name):
        return Conf(name)
    path = os.path.join(LAB, kind, name + ".conf")
    if not os.path.exists(path):
        raise ConfError(f"no {path}; known: {' '.join(names(kind))}")
    return Conf(path)


def names(kind):
    paths = glob.glob(os.path.join(LAB, kind, "*.conf"))
    return sorted(os.path.splitext(os.path.basename(p))[0] for p in paths)


def root():
    return Conf(os.path.join(LAB, "root.conf"))
