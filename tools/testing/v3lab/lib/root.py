# SPDX-License-Identifier: GPL-2.0
"""The Debian root: making it, and running commands in it."""

import contextlib
import os
import subprocess

import cache
import conf
import host
from cache import say
from host import LabError

ENTER = r"""
root=$1 dir=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys"
for file in /etc/resolv.conf /etc/hosts; do
	[ ! -e $file ] || { : >>"$root$file"; mount --bind $file "$root$file"; }
done
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done; shift
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
	TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive \
	/bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$dir" "$@"
"""


def directory():
    c = conf.root()
    return cache.path(f"root-{c.get('suite')}-{cache.digest(c.text())}")


def sources(c, mirror):
    suite = c.get("suite")
    suites = [suite, f"{suite}-updates", c.get("backports")]
    return "".join(f"deb {mirror} {s} main\n" for s in suites)


def make(final):
    c = conf.root()
    say(f"making the {c.get('suite')} root in {final} (one to three minutes)")
    host.need_command("mmdebstrap", "mmdebstrap")
    with cache.made_aside(final) as aside:
        lists, options = aside + ".list", aside + ".conf"
        cache.write_file(lists, sources(c, host.debian_mirror()))
        cache.write_file(options, host.apt_transport_options())
        host.run(["mmdebstrap", "--mode=root", "--variant=minbase", "--skip=cleanup/apt",
                  "--aptopt=Acquire::Languages \"none\"", "--aptopt=APT::Install-Recommends \"false\"",
                  "--dpkgopt=force-unsafe-io", f"--aptopt={options}",
                  "--include=" + ",".join(c.words("package")),
                  c.get("suite"), aside, lists], quiet=True)
        # Both are this machine's own, mounted over whenever the root is entered.
        for name in ("etc/resolv.conf", "etc/hosts"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(aside, name))
        host.run(argv(["apt-get", "-q", "-y", "-t", c.get("backports"), "install",
                       *c.words("backport")], aside), quiet=True)
        os.unlink(lists)
        os.unlink(options)
    say("root ready")


def ready():
    """The path of the finished root; makes it if it is not there."""
    host.need_root()
    final = directory()
    if not os.path.isdir(final):
        with cache.lock("root"):
            if not os.path.isdir(final):
                make(final)
    return final


def argv(command, root=None, cwd="/", binds=()):
    """The host command line that runs `command` in the root, in `cwd`, seeing `binds` at their own paths.

    It only ever execs, so the process started is the command itself.
    """
    root = root or ready()
    seen = [os.path.realpath(b) for b in binds]
    outer = [d for d in sorted(set(seen)) if d != "/"]
    return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", ENTER, "v3lab",
            root, cwd, *outer, "--", *command]


def usual_binds(*more):
    os.makedirs(cache.directory(), exist_ok=True)
    return [conf.CHECKOUT, cache.directory(), *more]


def run(command, cwd="/", binds=(), quiet=True):
    host.run(argv(command, cwd=cwd, binds=usual_binds(*binds)), quiet=quiet)


def output(command, cwd="/", binds=()):
    done = subprocess.run(argv(command, cwd=cwd, binds=usual_binds(*binds)), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode:
        raise LabError(f"failed ({done.returncode}): {' '.join(command)}")
    return done.stdout
