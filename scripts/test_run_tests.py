# SPDX-License-Identifier: GPL-2.0
"""Tests of run-tests."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "run-tests"

JOBS = """
[first]
about = takes its time
run = python3 -c "while __import__('time').process_time() < 1.1: pass"; echo '2 passed, 0 failed'

[second]
about = says why it is skipped
run = echo no hardware; exit 77

[third]
about = waits for the first
run = echo 'not ok 2 - odd one'; echo '1 passed, 1 failed, 0 skipped'
needs = first

[fourth]
about = needs what fails
run = true
needs = third
"""


class RunTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as tmp:
            conf, logs = Path(tmp) / "jobs.conf", Path(tmp) / "logs"
            conf.write_text(JOBS)
            done = subprocess.run([SCRIPT, "--conf", conf, "--logs", logs, "--cpus", "1"],
                                  capture_output=True, text=True)
            cls.status, cls.lines = done.returncode, done.stdout.splitlines()
            cls.totals = (logs / "totals").read_text()

    def end_of(self, job):
        (found,) = [(n, line) for n, line in enumerate(self.lines)
                    if re.match(rf"\[\d/4\] .* {job}: ", line)]
        return found

    def seconds(self, job):
        return int(re.search(r" \((\d+) s\)", self.end_of(job)[1]).group(1))

    def test_each_end_says_how_long(self):
        self.assertGreaterEqual(self.seconds("first"), 1)
        self.assertEqual(self.seconds("fourth"), 0)

    def test_an_end_is_told_before_the_next_start(self):
        self.assertLess(self.end_of("first")[0],
                        self.lines.index("start second: says why it is skipped"))

    def test_verdicts_and_reasons(self):
        said = [re.sub(r"\(\d+ s\)", "()", self.end_of(job)[1])
                for job in ("first", "second", "third", "fourth")]
        self.assertEqual(said, [
            "[1/4] ok   first: 2 passed, 0 failed, 0 skipped ()",
            "[2/4] skip second: 0 passed, 0 failed, 1 skipped () - no hardware",
            "[3/4] FAIL third: 1 passed, 1 failed, 0 skipped ()",
            "[4/4] FAIL fourth: 0 passed, 1 failed, 0 skipped () - not run: third failed"])

    def test_table_repeats_the_times(self):
        rows = dict(re.findall(r"^(\w+) +\d+ +\d+ +\d+ +(\d+) +\d+$", "\n".join(self.lines), re.M))
        self.assertEqual({job: int(spent) for job, spent in rows.items()},
                         {job: self.seconds(job) for job in ("first", "second", "third", "fourth")})

    def test_table_tells_who_used_the_cpu(self):
        rows = dict(re.findall(r"^(\w+) +\d+ +\d+ +\d+ +\d+ +(\d+)$", "\n".join(self.lines), re.M))
        self.assertGreaterEqual(int(rows["first"]), 1)
        self.assertEqual(int(rows["fourth"]), 0)

    def test_what_failed_is_repeated_at_the_end(self):
        self.assertEqual(self.lines[-4:-2], ["FAIL third: not ok 2 - odd one",
                                             "FAIL fourth: not run: third failed"])

    def test_totals_are_the_last_line(self):
        self.assertEqual(self.lines[-1], "3 passed, 2 failed, 1 skipped")
        self.assertEqual(self.totals, self.lines[-1] + "\n")
        self.assertEqual(self.status, 1)

    def test_make_runs_the_jobs_that_are_named_and_what_they_need(self):
        with tempfile.TemporaryDirectory() as tmp:
            scripts = Path(tmp) / "scripts"
            scripts.mkdir()
            shutil.copy(SCRIPT.parent.parent / "Makefile", tmp)
            for name in ("run-tests", "results.py"):
                shutil.copy(SCRIPT.parent / name, scripts)
            (scripts / "tests.conf").write_text(JOBS.replace("sleep 1; ", ""))
            done = subprocess.run('make test JOBS="sec* third"', shell=True, cwd=tmp, capture_output=True, text=True)
        self.assertEqual(["first", "second", "third"], sorted(re.findall(r"^start (\w+):", done.stdout, re.M)))


if __name__ == "__main__":
    unittest.main()
