# SPDX-License-Identifier: GPL-2.0
"""The command line."""

import argparse
import os
import subprocess
import sys

import conf
import verdict
from host import LabError, NotProven


def split_command(argv):
    """What stands after the first `--` belongs to the guest (or to the root, or to make)."""
    if "--" in argv:
        at = argv.index("--")
        return argv[:at], argv[at + 1:]
    return argv, []


def parser():
    top = argparse.ArgumentParser(prog="v3lab", description="Runs jobs in guests behind emulated IOMMUs.")
    sub = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = sub.add_parser("run", help="run COMMAND in a guest", usage="v3lab run [options] -- COMMAND...")
    add_lane(run)
    run.add_argument("--icount", action="store_true", help="the guest's clock counts instructions")
    run.add_argument("--smp", type=int, default=None, metavar="N", help="CPUs (default 2, with --icount 1)")
    run.add_argument("--mem", metavar="M", help="memory, as QEMU's -m takes it")
    run.add_argument("--insmod", action="append", default=[], metavar="FILE",
                     help="load a module file, or a module of the project or the kernel by name; "
                          "parameters may follow in the same argument")
    run.add_argument("--rmmod", action="store_true", help="after COMMAND, unload what --insmod loaded")
    run.add_argument("--file", action="append", default=[], metavar="HOST[:GUEST]",
                     help="copy a file or directory into the guest (default: /root/NAME)")
    run.add_argument("--append", action="append", default=[], metavar="ARGS", help="kernel arguments")
    run.add_argument("--device", action="append", default=[], metavar="DEVICE", help="a QEMU device more")
    add_allow(run)
    run.add_argument("--timeout", type=int, metavar="S")
    run.add_argument("--log", metavar="FILE", help="write the kernel log to FILE")
    run.add_argument("--console", action="store_true", help="show the kernel's console on standard error")
    run.add_argument("--unproven", action="store_true", help="skip the proof that the machine translates")

    sub.add_parser("list", help="show kernels and machines")

    build = sub.add_parser("build", help="build a module directory (without DIR: this project's modules)",
                           usage="v3lab build [--kernel K] [-o OUT] [DIR] [MAKE_ARGUMENT...]")
    build.add_argument("--kernel", default="stock-7.3")
    build.add_argument("-o", "--out", help="where the modules go (default: DIR)")
    build.add_argument("dir", nargs="?")
    build.add_argument("make", nargs="*")

    prepare = sub.add_parser("prepare", help="fetch and build what lanes need")
    prepare.add_argument("what", nargs="*", help="kernels, 'root', 'kunit' (default: everything)")
    prepare.add_argument("--refresh", action="store_true", help="look for newer stock kernels")

    headers = sub.add_parser("headers", help="print a kernel's build directory, as seen by `v3lab exec`")
    headers.add_argument("kernel")
    source = sub.add_parser("source", help="print the path of a pristine kernel source tree")
    source.add_argument("series", nargs="?", default="7.3")
    sub.add_parser("exec", help="run a command inside the root", usage="v3lab exec -- COMMAND...")
    kunit = sub.add_parser("kunit", help="run KUnit in a user-mode kernel",
                           usage="v3lab kunit [--allow REGEX]... [--built] [-- KUNIT.PY_ARGUMENT...]")
    add_allow(kunit)
    kunit.add_argument("--built", action="store_true", help="run what was built last")
    prove = sub.add_parser("prove", help="prove that a machine translates and refuses")
    add_lane(prove, positional=True)
    selftest = sub.add_parser("selftest", help="test the lab itself")
    selftest.add_argument("words", nargs="*", help="only cases whose name holds one of these")
    return top


def add_allow(p):
    p.add_argument("--allow", action="append", default=[], metavar="REGEX",
                   help="kernel log reports that are meant to happen")


def add_lane(p, positional=False):
    p.add_argument("--kernel", default="stock-7.3", help="a name from `v3lab list`, or a kernel build tree")
    if positional:
        p.add_argument("machine", nargs="?", default="vtd")
    else:
        p.add_argument("--machine", default="vtd", help="a name from `v3lab list`")


def do_run(args, command):
    import jobspec
    return jobspec.run(args, command)


def do_list(args, command):
    for kind in ("kernels", "machines"):
        print(f"{kind}:")
        for name in conf.names(kind):
            print(f"  {name:12} {conf.load(kind, name).get('description', '')}")
    return 0


def do_build(args, command):
    import kernels
    import modbuild
    kernel = kernels.get(args.kernel)
    extra = [*args.make, *command]
    if args.dir:
        made = modbuild.external(kernel, args.dir, args.out, extra)
    else:
        made = modbuild.project(kernel, extra)
    print("\n".join(made))
    return 0


def do_prepare(args, command):
    import prepare
    return prepare.everything(args.what, args.refresh)


def do_headers(args, command):
    import kernels
    print(kernels.get(args.kernel).kdir)
    return 0


def do_source(args, command):
    import source
    print(source.tree(args.series))
    return 0


def do_exec(args, command):
    import root
    if not command:
        raise LabError("exec: no command; usage: v3lab exec -- COMMAND...")
    here = os.getcwd()
    line = root.argv(command, cwd=here, binds=root.usual_binds(here, "/tmp"))
    return subprocess.run(line).returncode


def do_kunit(args, command):
    import kunit
    return kunit.run(command, args.allow, args.built)


def do_prove(args, command):
    import kernels
    import proof
    proof.ensure(kernels.get(args.kernel), conf.load("machines", args.machine), again=True)
    return 0


def do_selftest(args, command):
    import selftest
    return selftest.run(args.words)


def main():
    argv, command = split_command(sys.argv[1:])
    args = parser().parse_args(argv)
    try:
        return globals()["do_" + args.verb](args, command)
    except NotProven as error:
        print(f"v3lab: {error}", file=sys.stderr)
        return verdict.NOT_PROVEN
    except (LabError, conf.ConfError) as error:
        print(f"v3lab: {error}", file=sys.stderr)
        return verdict.LAB_ERROR
    except KeyboardInterrupt:
        return 130


sys.exit(main())
