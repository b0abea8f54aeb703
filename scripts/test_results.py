# SPDX-License-Identifier: GPL-2.0
"""Tests of results.py."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import results  # noqa: E402

NESTED = """KTAP version 1
1..2
    KTAP version 1
    # Subtest: first
    1..3
    ok 1 a
        # Subtest: b
        ok 1 one
        not ok 2 two
    not ok 2 b
    ok 3 c # SKIP no hardware
not ok 1 first
    KTAP version 1
    # Subtest: second
    1..1
    ok 1 d
ok 2 second
"""


class Count(unittest.TestCase):
    def expect(self, text, passed, failed, skipped):
        self.assertEqual(results.count(text), (passed, failed, skipped))

    def test_nothing(self):
        self.assertIsNone(results.count("all is well\n"))

    def test_totals_are_summed(self):
        self.expect("1 passed, 0 failed\nnoise\nlab: 2 passed, 1 failed, 3 skipped\n", 3, 1, 3)

    def test_totals_must_stand_alone(self):
        self.assertIsNone(results.count("in all 1 passed, 0 failed today\n"))

    def test_kunit_py(self):
        self.expect("[10:00] Testing complete. Ran 9 tests: passed: 5, crashed: 1, "
                    "failed: 1, skipped: 2\n", 5, 2, 2)

    def test_kunit_py_twice(self):
        self.expect("[10:00] Testing complete. Ran 2 tests: passed: 1, failed: 1\n"
                    "[10:01] Testing complete. Ran 3 tests: passed: 3\n", 4, 1, 0)

    def test_flat_tap(self):
        self.expect("TAP version 13\n1..3\nok 1 a\nnot ok 2 b\nok 3 c # SKIP none\n", 1, 1, 1)

    def test_leaves_of_ktap(self):
        self.expect(NESTED, 3, 1, 1)

    def test_kernel_log(self):
        log = "".join(f"[    1.{n:06}] {line}\n" for n, line in enumerate(NESTED.splitlines()))
        self.expect(log, 3, 1, 1)

    def test_crash_inside_a_suite(self):
        self.expect("KTAP version 1\n1..1\n    # Subtest: s\n    1..3\n    ok 1 a\n", 1, 3, 0)

    def test_two_programs(self):
        self.expect("TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nok 1 a\n", 2, 0, 0)

    def test_missing_result(self):
        self.expect("TAP version 13\n1..2\nok 1 a\n", 1, 1, 0)


if __name__ == "__main__":
    unittest.main()
