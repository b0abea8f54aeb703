# SPDX-License-Identifier: GPL-2.0
"""Tests of check-commands."""

import contextlib
import importlib.machinery
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

LOADER = importlib.machinery.SourceFileLoader("check_commands", str(Path(__file__).parent / "check-commands"))
SPEC = importlib.util.spec_from_loader("check_commands", LOADER)
TOOL = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(TOOL)

JOBS = """
[first]
run = scripts/first --twice a.txt
    "$V3LAB" run --machine vtd -- ls

[second]
run = scripts/second

[pages]
run = scripts/reader
"""
MAKEFILE = """
both:
\t@scripts/first --twice a.txt
\tscripts/second
jobs:
\tscripts/run-tests --jobs 'f* second'
alone:
\tscripts/alone
"""
SCRIPTS = {"first": "sed s/a/b/ \"$1\"", "second": "# scripts/alone in a comment\nsed s/c/d/ x\ninstall -m 644 \\\n  \"$out/driver.ko\" /lib",
           "alone": "", "run-tests": "", "reader": 'page="README.md"', "commands-in-guest": "case $1 in\n'echo 1 > /sys/x')\n"}


class CheckCommands(unittest.TestCase):
    def call(self, readme, table, *arguments, rst="", jobs=JOBS):
        """Exit status and output for these pages and this table."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            top = Path(name)
            for folder in ("scripts", "Documentation", ".ci", "tools/testing/v3lab/machines"):
                (top / folder).mkdir(parents=True)
            files = {"README.md": readme, "Documentation/page.rst": rst, "Makefile": MAKEFILE,
                     "scripts/tests.conf": jobs, "scripts/commands.conf": table, ".ci/run": "make both\n",
                     "tools/testing/v3lab/machines/amd.conf": "", "a.txt": "",
                     **{f"scripts/{name}": f"#!/bin/sh\n{text}\n" for name, text in SCRIPTS.items()}}
            for file, text in files.items():
                (top / file).write_text(text)
            for script in SCRIPTS:
                (top / "scripts" / script).chmod(0o755)
            stack.enter_context(mock.patch.object(TOOL, "ROOT", top))
            stack.enter_context(mock.patch("sys.argv", ["check-commands", *arguments]))
            out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            return TOOL.main(), out.getvalue()

    def check(self, command, *claims, **pages):
        """The same for one command and what the table claims of it."""
        return self.call(f"Text:\n\n    {command}\n", "\n\t".join([command, *claims]) + "\n", **pages)

    def assert_holds(self, *args, **pages):
        self.assertEqual((0, "1 passed, 0 failed, 0 skipped\n"), self.check(*args, **pages))

    def assert_wrong(self, text, *args, **pages):
        status, out = self.check(*args, **pages)
        self.assertEqual(1, status)
        self.assertIn(text, out)

    def commands(self, readme, rst="", table=""):
        return [line.split(": ", 1) for line in self.call(readme, table, "--list", rst=rst)[1].splitlines()]

    def test_blocks_of_markdown(self):
        self.assertEqual(
            [["README.md:3", "make both"], ["README.md:4", "gcc -o a a.c"],
             ["README.md:9", "dkms status"]],
            self.commands("Text:\n\n    make both    # a comment\n    gcc -o a \\\n        a.c\n    # only that\n\n"
                          "```\ndkms status\n```\n\n```c\nint a;\n```\n"))

    def test_blocks_of_rst(self):
        self.assertEqual(
            [["Documentation/page.rst:3", "make both"], ["Documentation/page.rst:7", "dkms status"]],
            self.commands("", "Text::\n\n    make both\n\nText\n.. code-block:: sh\n   dkms status\n\n"
                              ".. code-block:: c\n\n   int a;\n\n.. toctree::\n\n   page\n"))

    def test_inline_code(self):
        self.assertEqual(
            [["README.md:1", "make both"], ["README.md:2", "scripts/second"]],
            self.commands("Say `make\nboth`, `scripts/second`, `make`, `scripts/none`, `struct device`, `a b`.\n"))
        self.assertEqual([["Documentation/page.rst:1", "make both"]], self.commands("", "Say ``make both`` or `make both`_.\n"))

    def test_programs_of_blocks_are_known_inline(self):
        self.assertEqual(2, len(self.commands("Say `frob a`.\n\n    frob b\n")))

    def test_lines_that_are_no_commands(self):
        readme = "Text:\n\n    int a;\n    make both\n\nText:\n\n    one\n    two\n"
        self.assertEqual((0, "1 passed, 0 failed, 0 skipped\n"), self.call(
            readme, "int a;\n\tno command\none\n\tno commands\nmake both\n\truns .ci/run: make both\n"))

    def test_command_without_an_entry(self):
        self.assertEqual((1, "README.md:3: error: make both: scripts/commands.conf does not say what runs it\n"
                             "0 passed, 1 failed, 0 skipped\n"), self.call("Text:\n\n    make both\n", ""))

    def test_script_that_a_job_runs_needs_no_entry(self):
        self.assertEqual((0, "1 passed, 0 failed, 0 skipped\n"), self.call("Say `scripts/second`.\n", ""))
        self.assertEqual(1, self.call("Say `scripts/alone`.\n", "")[0])
        self.assertEqual(1, self.call("Say `scripts/second a`.\n", "")[0])

    def test_entry_that_no_page_prints(self):
        self.assertEqual((1, "scripts/commands.conf:1: error: no page prints: make none\n0 passed, 1 failed, 0 skipped\n"),
                         self.call("", "make none\n\tguest\n"))

    def test_runs_in_a_job(self):
        self.assert_holds("scripts/first --twice a.txt", "runs first: scripts/first --twice a.txt")
        self.assert_holds("scripts/first FILE", "runs first: scripts/first --twice a.txt")
        self.assert_holds("v3lab run -- ls", 'runs first: "$V3LAB" run --machine vtd -- ls')
        self.assert_wrong("this is not the command", "scripts/first a.txt", "runs first: scripts/first --twice a.txt",
                          'runs first: "$V3LAB" run')
        self.assert_wrong("nothing that the entry quotes is scripts/first --thrice", "scripts/first --thrice",
                          "runs first: scripts/first --twice")

    def test_runs_in_a_file_of_a_job(self):
        self.assert_holds("install driver.ko DIR", 'runs second scripts/second: install -m 644 "$out/driver.ko" /lib')
        self.assert_holds("sed s/c/d/ a.txt", 'like first scripts/first: sed s/a/b/ "$1"', "knows scripts/second: s/c/d/")
        self.assert_wrong("nothing that the entry quotes", "sed s/a/b/ x", 'runs first scripts/first: sed s/a/b/ "$1"')
        self.assert_wrong("the job first does not run scripts/second", "install driver.ko DIR",
                          "runs first scripts/second: install")

    def test_text_that_is_not_there(self):
        for claim, text in (("runs none: make both", "has no job none"), ("runs first: make both", "has no line with"),
                            ("runs first scripts/none: make", "does not run scripts/none"),
                            ("runs second scripts/second: scripts/alone", "has no line with"),
                            ("runs all: of it: now", "has no job all"), ("holds", "not a claim")):
            self.assert_wrong(text, "make both", claim)

    def test_each_part_of_a_command(self):
        both = "scripts/first a.txt && scripts/second"
        self.assert_holds(both, "runs first: scripts/first --twice a.txt", "runs second: scripts/second")
        self.assert_wrong("nothing that the entry quotes is scripts/second", both, "runs first: scripts/first --twice a.txt")

    def test_like(self):
        like = "like first: scripts/first --twice a.txt"
        self.assert_holds("scripts/first --twice 7 amd", like)
        self.assert_wrong("nothing shows that scripts/first knows --slow", "scripts/first --slow", like)
        self.assert_holds("scripts/first sed=3", like, "knows scripts/first: sed s/a/b/")
        self.assert_wrong("this is not the command", "scripts/second", like, "runs second: scripts/second")

    def test_reads(self):
        self.assert_holds("make none", 'reads pages scripts/reader: page="README.md"')
        self.assert_wrong("does not read Documentation/page.rst", "make none", 'reads pages scripts/reader: page="README.md"',
                          rst="Say ``make none``.\n")

    def test_parts(self):
        self.assert_holds("make both", "parts")
        self.assert_holds("make jobs", "parts")
        self.assert_wrong("no job runs scripts/second", "make both", "parts", jobs=JOBS.replace("scripts/second", "true"))
        self.assert_wrong("has no job second", "make jobs", "parts", jobs=JOBS.replace("[second]", "[2nd]"))
        self.assert_wrong("no job runs scripts/alone", "make alone", "parts")
        self.assert_wrong("ends with 2", "make nothing", "parts")

    def test_guest(self):
        self.assert_holds("echo 1 > /sys/x", "guest")
        self.assert_wrong("scripts/commands-in-guest has no case for it", "echo 2 > /sys/x", "guest")
        self.assertEqual((0, "echo 1 > /sys/x\n"), self.call("", "echo 1 > /sys/x\n\tguest\nls\n\tparts\n", "--guest"))

    def test_untested(self):
        self.assertEqual("1 passed, 0 failed, 1 skipped\n", self.call(
            "Say `scripts/second` and `make slow`.\n", "make slow\n\tuntested: it takes hours\n")[1])
        self.assert_wrong("not a claim, or not together", "make slow", "untested: so", "parts")
        self.assert_wrong("claims nothing", "make slow")


if __name__ == "__main__":
    unittest.main()
