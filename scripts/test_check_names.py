# SPDX-License-Identifier: GPL-2.0
"""Tests of check-names."""

import contextlib
import importlib.machinery
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

LOADER = importlib.machinery.SourceFileLoader("check_names", str(Path(__file__).parent / "check-names"))
SPEC = importlib.util.spec_from_loader("check_names", LOADER)
TOOL = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(TOOL)

HEADER = '''#ifndef _V3COMPAT_DDK_LIST_H
#define _V3COMPAT_DDK_LIST_H
#define STATUS_SO ((NTSTATUS)0) /* and not NOT_THIS */
typedef struct _ENTRY {
	struct _ENTRY *Next;
} ENTRY, *PENTRY;
typedef enum _COLOUR { Red = 1, Green } COLOUR;
typedef VOID (*PCALLBACK)(PVOID Context);
static inline VOID Push(PENTRY Entry)
{
	if (Entry)
		V3cPush(Entry);
}
PENTRY Pop(PENTRY Head);
#endif
'''
NAMES = {"STATUS_SO", "ENTRY", "PENTRY", "Red", "Green", "COLOUR", "PCALLBACK", "Push", "Pop"}
LINES = "[list]\nSTATUS_* | statuses | a number\n* | lists | C\n"


class CheckNames(unittest.TestCase):
    def check(self, lines=LINES, client=" ".join(NAMES), wanted="", arguments=()):
        """Exit status and output for these lines and this client."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            top = Path(name)
            (top / "ddk").mkdir()
            for constant, file, text in (("HEADERS", "ddk/list.h", HEADER), ("LINES", "names.conf", lines),
                                         ("WANTED", "wanted.txt", wanted), ("TESTS", "ddk_lists.c", client),
                                         ("REFUSED", "refused.c", ""), ("", "mdl_kunit.c", ""),
                                         ("", "port_windows.c", ""), ("", "excpt.h", ""), ("", "contract.h", ""),
                                         ("", "wdm.h", ""), ("", "ddk/exception.h", "")):
                (top / file).write_text(text)
                if constant:
                    path = top if constant in ("HEADERS", "TESTS") else top / file
                    stack.enter_context(mock.patch.object(TOOL, constant, path))
            stack.enter_context(mock.patch("sys.argv", ["check-names", *arguments]))
            out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            return TOOL.main(), out.getvalue()

    def test_names_of_a_header(self):
        self.assertEqual(NAMES, TOOL.names_of(HEADER))

    def test_all_is_there(self):
        self.assertEqual((False, f"{len(NAMES)} passed, 0 failed, 0 skipped\n"), self.check())

    def test_name_without_a_line(self):
        status, out = self.check(lines=LINES.replace("*", "P*", 2).replace("STATUS_P*", "STATUS_*"))
        self.assertTrue(status)
        self.assertIn("Green (ddk/list.h): no line in names.conf", out)

    def test_line_without_a_name(self):
        status, out = self.check(lines="[list]\nNobody | lists | C\n" + LINES.split("\n", 1)[1])
        self.assertTrue(status)
        self.assertIn("Nobody: names.conf has it, [list] does not", out)

    def test_name_without_a_test(self):
        for client in (" ".join(NAMES - {"Pop"}), " ".join(NAMES - {"Pop"}) + ' /* Pop */ "Pop"'):
            status, out = self.check(client=client)
            self.assertTrue(status)
            self.assertIn("Pop (ddk/list.h): no test", out)

    def test_wanted_names(self):
        status, out = self.check(wanted="lists: Push Shove\n", arguments=["--wanted"])
        self.assertTrue(status)
        self.assertIn("lists: 1 of 2, without Shove", out)


if __name__ == "__main__":
    unittest.main()
