# SPDX-License-Identifier: GPL-2.0
"""`v3lab selftest [WORD...]`: does the lab notice what it must notice? Prints TAP and totals.

With words, only the cases whose name holds one of them.
"""

import lzma
import os
import re
import shutil
import subprocess
import tempfile

import conf
import kernels
import modbuild
import modules
import prepare
import sync
import verdict

V3LAB = os.path.join(conf.LAB, "v3lab")
CASES = []


class Skip(Exception):
    pass


def case(function):
    CASES.append(function)
    return function


class Bench:
    """What the cases share: a scratch directory, and the misbehaving module per kernel."""

    def __init__(self, tmp):
        self.tmp = tmp

    def splat(self, kernel, kind):
        made = os.path.join(self.tmp, kernel, "v3lab_splat.ko")
        if not os.path.exists(made):
            modbuild.external(kernels.get(kernel), os.path.join(conf.LAB, "selftest"),
                              out=os.path.dirname(made), alone=True)
        return f"--insmod={made} kind={kind}"

    def lab(self, *argv, **kw):
        return subprocess.run([V3LAB, *argv], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, cwd=self.tmp, **kw)

    def run(self, *argv, command=("true",), machine="none", kernel="stock-7.3"):
        return self.lab("run", "--kernel", kernel, "--machine", machine, "--smp", "1",
                        *argv, "--", *command)


def expect(done, status, *texts):
    seen = done.stdout + done.stderr
    assert done.returncode == status, f"status {done.returncode}, expected {status}\n{seen}"
    for text in texts:
        assert text in seen, f"no {text!r} in\n{seen}"


@case
def output_and_success(bench):
    done = bench.run(command=["echo", "two  words"])
    expect(done, 0)
    assert done.stdout == "two  words\n", f"stdout is {done.stdout!r}"


@case
def failing_command(bench):
    expect(bench.run(command=["false"]), 1, "command exited with status 1")


@case
def status_of_a_shell_line(bench):
    expect(bench.run(command=["echo before; exit 42"]), 42, "before")


@case
def killed_command(bench):
    expect(bench.run(command=["kill -9 $$"]), 128 + 9)


@case
def missing_command(bench):
    expect(bench.run(command=["/no/such/program"]), 127)


@case
def verdict_cannot_be_printed(bench):
    expect(bench.run(command=["printf 'status 0\\nlog\\nend\\n'; exit 5"]), 5)


@case
def files_and_parameters(bench):
    with open(os.path.join(bench.tmp, "greeting"), "w") as f:
        f.write("hello\n")
    done = bench.run("--file", "greeting", "--file", "greeting:/etc/deep/other",
                     bench.splat("stock-7.3", "quiet"),
                     command=["cat greeting /etc/deep/other; lsmod | grep -c v3lab_splat"])
    expect(done, 0)
    assert done.stdout == "hello\nhello\n1\n", f"stdout is {done.stdout!r}"


@case
def unload_afterwards(bench):
    expect(bench.run(bench.splat("stock-7.3", "quiet"), "--rmmod"), 0)


def documented_commands(page, *words):
    """The commands of the lab that a page of this project prints, its stand-ins replaced."""
    with open(os.path.join(conf.CHECKOUT, page)) as f:
        found = re.findall(r"tools/testing/v3lab/v3lab (?:build|run) [^`\n]+", f.read())
    assert found, f"{page} prints no command of the lab"
    for word, value in words:
        found = [re.sub(rf"{re.escape(word)}\b", value, line) for line in found]
    return found


def as_documented(page, *words):
    """A newcomer's driver, outside the checkout, built and run by the very commands of a page."""
    def documented(bench):
        driver = os.path.join(bench.tmp, page.replace("/", "-"))
        shutil.copytree(os.path.join(conf.LAB, "selftest/ported"), driver)
        for line in documented_commands(page, (words[0], driver), *words[1:]):
            done = subprocess.run(line, shell=True, cwd=conf.CHECKOUT, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            expect(done, 0)
        expect(done, 0, "ported: a page is mapped")
    documented.__name__ = "ported_driver_as_in_" + os.path.basename(page).replace(".", "_")
    return documented


CASES.append(as_documented("README.md", "DIR", ("COMMAND", "dmesg")))
CASES.append(as_documented("Documentation/driver-api/v3compat/porting.rst", "/path/to/driver"))


@case
def needed_modules_load_once_and_unload(bench):
    """The one that is named, after the one that needs it, with the parameters it is given."""
    driver = os.path.join(bench.tmp, "ported")
    shutil.copytree(os.path.join(conf.LAB, "selftest/ported"), driver)
    expect(bench.lab("build", "--kernel", "stock-7.3", driver), 0)
    show = "cat /sys/module/v3compat/parameters/dma_guard; lsmod | grep -c '^v3compat '"
    done = bench.run("--insmod", f"{driver}/driver.ko", "--insmod", "v3compat dma_guard=off",
                     "--rmmod", machine="vtd", command=[show])
    expect(done, 0)
    assert done.stdout == "off\n1\n", f"stdout is {done.stdout!r}"


@case
def compressed_module(bench):
    file = bench.splat("stock-7.3", "none").split()[0].removeprefix("--insmod=")
    with open(file, "rb") as f, lzma.open(file + ".xz", "wb") as xz:
        xz.write(f.read())
    expect(bench.run("--insmod", f"{file}.xz", "--rmmod", command=["lsmod"]), 0, "v3lab_splat ")


@case
def order_of_modules(bench):
    needs = {"top": ["left", "right"], "left": ["base"], "right": ["base", "builtin"], "base": [],
             "round": ["about"], "about": ["round"]}
    entries = {name: (f"{name}.ko", b"\0depends=" + ",".join(needed).encode() + b"\0", "")
               for name, needed in needs.items()}

    def order(*names):
        return " ".join(entry[0][:-3] for entry in modules.in_order(names, entries.get))

    assert order("top") == "base left right top", order("top")
    assert order("right", "top") == "base right left top", order("right", "top")
    assert order("round") == "about round", order("round")


@case
def module_named_twice(bench):
    expect(bench.run("--insmod", "v3compat", "--insmod", "/some/v3compat.ko"), verdict.LAB_ERROR,
           "v3compat twice")


@case
def module_that_does_not_load(bench):
    with open(os.path.join(bench.tmp, "bad.ko"), "w") as f:
        f.write("not a module")
    expect(bench.run("--insmod", "bad.ko"), 1, "insmod", "bad.ko failed")


@case
def kernel_warning(bench):
    done = bench.run(bench.splat("stock-7.3", "warn"))
    expect(done, verdict.LOG_DIRTY, "kernel log: WARNING: ")


@case
def kernel_warning_that_is_meant(bench):
    expect(bench.run(bench.splat("stock-7.3", "warn"), "--allow", "v3lab_splat_init"), 0)


@case
def kernel_warning_that_is_not_the_meant_one(bench):
    done = bench.run(bench.splat("stock-7.3", "warn"), "--allow", "another_function")
    expect(done, verdict.LOG_DIRTY)


@case
def kernel_oops(bench):
    expect(bench.run(bench.splat("stock-7.3", "oops")), verdict.LOG_DIRTY, "BUG: ", "cleanly")


@case
def power_off_by_the_command(bench):
    expect(bench.run(command=["poweroff -f"]), verdict.NOT_CLEAN, "did not power off cleanly")


@case
def reset(bench):
    expect(bench.run(command=["reboot -f"]), verdict.NOT_CLEAN, "guest-reset")


@case
def timeout(bench):
    done = bench.run("--timeout", "20", command=["echo begun; sleep 1000"])
    expect(done, verdict.TIMED_OUT, "begun", "timed out")


@case
def wrong_use(bench):
    expect(bench.run("--insmod", "nowhere.ko"), verdict.LAB_ERROR, "cannot read")
    expect(bench.run(machine="nonsense"), verdict.LAB_ERROR, "known: ")
    expect(bench.run("--device", "nonsense"), verdict.NOT_CLEAN, "QEMU ended with status")


@case
def instruction_clock(bench):
    line = "grep -c '^tsc' /sys/devices/system/clocksource/clocksource0/available_clocksource"
    expect(bench.run("--icount", command=[line]), 0)


@case
def two_at_once(bench):
    argv = [V3LAB, "run", "--machine", "none", "--", "echo", "here"]
    both = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            for _ in range(2)]
    for child in both:
        out, _ = child.communicate()
        assert (child.returncode, out) == (0, "here\n"), (child.returncode, out)


def prove(machine):
    def proven(bench):
        expect(bench.lab("prove", machine), 0, "refused before the map: yes",
               "reaches the mapped page: yes", "refused after the unmap: yes")
    proven.__name__ = f"machine_{machine}_is_proven"
    return proven


for _name in conf.names("machines"):
    if conf.load("machines", _name).all("iommu"):
        CASES.append(prove(_name))


@case
def machine_that_does_not_translate(bench):
    path = os.path.join(bench.tmp, "idle.conf")
    with open(path, "w") as f:
        f.write("iommu = amd-iommu,dma-remap=off\nappend = amd_iommu=on\n")
    expect(bench.run(machine=path), verdict.NOT_PROVEN, "refused before the map: NO", "not proven")


@case
def machine_whose_kernel_ignores_its_iommu(bench):
    path = os.path.join(bench.tmp, "off.conf")
    with open(path, "w") as f:
        f.write("iommu = intel-iommu\nappend = intel_iommu=off\n")
    expect(bench.run(machine=path), verdict.NOT_PROVEN, "not proven")


def need_sanitizer():
    if not prepare.is_cached("sanitizer"):
        raise Skip("the sanitizer kernel is not built: v3lab prepare sanitizer")


def log_lines(name):
    with open(os.path.join(conf.LAB, "selftest", name)) as f:
        return [line.rstrip("\n") for line in f if not line.startswith("#")]


@case
def failing_iommu(bench):
    lines = log_lines("iommu-failures.txt")
    missed = [line for line in lines if not verdict.findings(f"[   12.345678] {line}\n", [])]
    assert lines and not missed, "no rule for\n" + "\n".join(missed)


@case
def refused_access_is_no_failure(bench):
    lines = log_lines("iommu-ordinary.txt")
    found = verdict.findings("\n".join(lines), [])
    assert lines and not found, "a rule for\n" + "\n".join(found)


def written(path, text, at):
    with open(path, "w") as f:
        f.write(text)
    os.utime(path, (at, at))


@case
def source_changed_during_a_build_is_built(bench):
    source, target = (os.path.join(bench.tmp, "sync", name) for name in ("source", "target"))
    os.makedirs(source)
    for name in ("changed.h", "same.h"):
        written(os.path.join(source, name), "old\n", 1000)
    sync.copy(source, target)
    # The header was changed after it was copied, and before the build that read the copy had ended.
    written(os.path.join(source, "changed.h"), "new\n", 2000)
    written(os.path.join(target, "made.o"), "", 3000)
    os.utime(os.path.join(target, "same.h"), (1000, 1000))
    sync.copy(source, target)
    with open(os.path.join(target, "changed.h")) as f:
        assert f.read() == "new\n", "the change is not copied"
    changed, same = (os.path.getmtime(os.path.join(target, name)) for name in ("changed.h", "same.h"))
    assert changed > 3000, f"changed.h is of {changed}, and the object of 3000 counts as made from it"
    assert same == 1000, "same.h counts as changed"


@case
def mark_of_a_build_goes_before_its_sources_change(bench):
    source, target = (os.path.join(bench.tmp, "mark", name) for name in ("source", "target"))
    mark = os.path.join(target, "mark")

    def is_kept():
        with open(mark, "w"):
            pass
        sync.copy(source, target, built=mark)
        return os.path.exists(mark)

    os.makedirs(source)
    for name in ("one.c", "two.c"):
        written(os.path.join(source, name), "old", 1000)
    sync.copy(source, target)
    assert is_kept(), "without a change"
    written(os.path.join(source, "one.c"), "new", 2000)
    assert not is_kept(), "with a source that changed"
    written(os.path.join(source, "three.c"), "new", 2000)
    assert not is_kept(), "with a source that came"
    os.unlink(os.path.join(source, "two.c"))
    assert not is_kept(), "with a source that is gone"
    assert is_kept(), "without another change"


@case
def warnings_of_a_link_are_told_again(bench):
    """objtool's of the stack, modpost's of the description: each to who builds, and to who builds after."""
    driver = os.path.join(bench.tmp, "warns")
    os.makedirs(driver)
    written(os.path.join(driver, "Kbuild"), "obj-m := warns.o\nwarns-y := odd.o\n", 1000)
    written(os.path.join(driver, "odd.c"), """
#include <linux/module.h>

struct odd {
	int number;
};

int odd(struct odd *odd);

int odd(struct odd *odd)
{
	asm volatile("push %rax");
	return odd->number;
}

MODULE_LICENSE("GPL");
""", 1000)
    for _ in range(2):
        done = bench.lab("build", "--kernel", "stock-7.3", driver, "--", "W=1")
        expect(done, 0, "objtool: odd", "missing MODULE_DESCRIPTION()")


@case
def memory_error(bench):
    need_sanitizer()
    expect(bench.run(bench.splat("sanitizer", "overflow"), kernel="sanitizer"),
           verdict.LOG_DIRTY, "KASAN: ")


@case
def memory_leak(bench):
    need_sanitizer()
    expect(bench.run(bench.splat("sanitizer", "leak"), kernel="sanitizer"),
           verdict.LOG_DIRTY, "unreferenced object")


def one(number, function, bench):
    name = function.__name__.replace("_", " ")
    try:
        function(bench)
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        return "skipped"
    except AssertionError as error:
        print("".join(f"# {line}\n" for line in str(error).splitlines()), end="")
        print(f"not ok {number} - {name}", flush=True)
        return "failed"
    print(f"ok {number} - {name}", flush=True)
    return "passed"


def run(words):
    chosen = [c for c in CASES if not words or any(w in c.__name__ for w in words)]
    print(f"TAP version 13\n1..{len(chosen)}", flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        bench = Bench(tmp)
        results = [one(number, function, bench) for number, function in enumerate(chosen, 1)]
    counts = [f"{results.count(what)} {what}" for what in ("passed", "failed", "skipped")]
    print(", ".join(counts))
    return 1 if "failed" in results else 0
