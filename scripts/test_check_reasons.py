# SPDX-License-Identifier: GPL-2.0
"""Tests of check-reasons."""

import contextlib
import importlib.machinery
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

LOADER = importlib.machinery.SourceFileLoader("check_reasons", str(Path(__file__).parent / "check-reasons"))
SPEC = importlib.util.spec_from_loader("check_reasons", LOADER)
TOOL = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(TOOL)

HEADER = '''#define V3COMPAT_REASONS(X) \\
	X(1,  EMPTY,		SPAN,	EINVAL,		"size is zero") \\
	X(2,  WRAPS,		SPAN,	EOVERFLOW,	"range wraps")
'''
TEST = '''
/* EXPECT_EQ(REASON(WRAPS), in a comment); */
static bool is_so(int ret)
{
	return is_refusal(ret, REASON(EMPTY),
			  PARAM(SIZE));
}

TEST_F(some, thing)
{
	EXPECT_TRUE(is_so(1));
}
'''
WRAPS = '''
TEST(wraps)
{
	EXPECT_EQ(V3COMPAT_REASON_WRAPS, reason);
}
'''


class CheckReasons(unittest.TestCase):
    def check(self, test, *arguments, excuses="", log=None, job="user-in-guest a b some_test", script=""):
        """Exit status and output for a selftest of this text, which this job or this script runs."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            top = Path(name)
            for constant, file, text in (("HEADER", "header.h", HEADER), ("STATUSES", "status.c", ""),
                                         ("JOBS", "tests.conf", f"run = {job}\n"),
                                         ("EXCUSES", "reasons.txt", excuses), ("TESTS", "some_test.c", test)):
                (top / file).write_text(text)
                stack.enter_context(mock.patch.object(TOOL, constant, top if constant == "TESTS" else top / file))
            (top / "scripts").mkdir()
            (top / "scripts/a-script").write_text(script)
            stack.enter_context(mock.patch.object(TOOL, "TOP", top))
            if log is not None:
                (top / "log").write_text(log)
                arguments += ("--tap", str(top / "log"))
            stack.enter_context(mock.patch("sys.argv", ["check-reasons", *arguments]))
            out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            return TOOL.main(), out.getvalue()

    def test_all_asserted(self):
        self.assertEqual((False, "2 passed, 0 failed, 0 skipped\n"), self.check(TEST + WRAPS))

    def test_program_that_a_script_runs(self):
        self.assertFalse(self.check(TEST + WRAPS, job="scripts/a-script", script="user-in-guest some_test")[0])
        self.assertTrue(self.check(TEST + WRAPS, job="scripts/a-script", script="some_test")[0])

    def test_reason_without_a_test(self):
        status, out = self.check(TEST)
        self.assertTrue(status)
        self.assertIn("WRAPS: no test", out)

    def test_reason_that_is_excused(self):
        self.assertEqual((False, "1 passed, 0 failed, 1 skipped\n"), self.check(TEST, excuses="WRAPS  so\n"))

    def test_excuse_with_a_test(self):
        self.assertTrue(self.check(TEST + WRAPS, excuses="WRAPS  so\n")[0])

    def test_excuse_of_nothing(self):
        self.assertTrue(self.check(TEST + WRAPS, excuses="NOTHING  so\n")[0])

    def test_reason_that_there_is_not(self):
        status, out = self.check(TEST + WRAPS + WRAPS.replace("WRAPS", "NOTHING"))
        self.assertTrue(status)
        self.assertIn("NOTHING: no such reason: global.wraps", out)

    def test_results(self):
        log = "ok 1 some.variant.thing\nok 2 global.wraps\n"
        self.assertFalse(self.check(TEST + WRAPS, log=log)[0])
        self.assertTrue(self.check(TEST + WRAPS, log=log.replace("wraps", "wraps # SKIP no"))[0])
        self.assertTrue(self.check(TEST + WRAPS, log=log.replace("ok 2", "not ok 2"))[0])


if __name__ == "__main__":
    unittest.main()
