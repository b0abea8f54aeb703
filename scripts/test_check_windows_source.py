# SPDX-License-Identifier: GPL-2.0
"""Tests of check-windows-source."""

import importlib.machinery
import importlib.util
import unittest
from pathlib import Path

LOADER = importlib.machinery.SourceFileLoader("check_windows_source",
                                              str(Path(__file__).parent / "check-windows-source"))
SPEC = importlib.util.spec_from_loader("check_windows_source", LOADER)
TOOL = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(TOOL)

FUNCTION = "NTSTATUS Read(PMDL Mdl, PULONG From)\n{\n%s\n\treturn STATUS_SUCCESS;\n}\n"
HANDLER = " __except (EXCEPTION_EXECUTE_HANDLER) {\n\t\treturn GetExceptionCode();\n\t}\n"


class CheckWindowsSource(unittest.TestCase):
    def found(self, body):
        text = FUNCTION % body
        return [(text.count("\n", 0, place) + 1, sentence) for place, sentence in TOOL.findings(text)]

    def test_lock_in_a_block(self):
        self.assertEqual([], self.found("\t__try {\n\t\tMmProbeAndLockPages(Mdl, 1, 0);\n\t}" + HANDLER))
        self.assertEqual([], self.found("\ttry {\n\t\tMmProbeAndLockPages(Mdl, 1, 0);\n\t}" +
                                        HANDLER.replace("__except", "except")))

    def test_block_that_waits_for_a_fault(self):
        found = self.found("\t__try {\n\t\treturn *From; /* MmProbeAndLockPages() */\n\t}" + HANDLER)
        self.assertEqual([3], [line for line, _ in found])
        self.assertIn("nothing in this __try block can raise", found[0][1])

    def test_lock_whose_failure_nobody_sees(self):
        found = self.found("\tMmProbeAndLockPages(Mdl, UserMode, IoReadAccess);")
        self.assertEqual([3], [line for line, _ in found])
        self.assertIn("nobody sees it", found[0][1])

    def test_lock_whose_failure_is_tested(self):
        self.assertEqual([], self.found("\tMmProbeAndLockPages(Mdl, UserMode, IoReadAccess);\n"
                                        "\tif (!(Mdl->MdlFlags & MDL_PAGES_LOCKED))\n\t\treturn STATUS_UNSUCCESSFUL;"))

    def test_lock_in_a_block_with_finally_only(self):
        found = self.found("\t__try {\n\t\tMmProbeAndLockPages(Mdl, 1, 0);\n\t} __finally {\n\t\tDone();\n\t}")
        self.assertEqual([4], [line for line, _ in found])

    def test_allocation_that_does_not_raise(self):
        block = "\t__try {\n\t\t*From = ExAllocatePool2(%s, *From, 1);\n\t}" + HANDLER
        self.assertEqual(1, len(self.found(block % "POOL_FLAG_PAGED")))
        self.assertEqual([], self.found(block % "POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE"))

    def test_cleanup_attribute_in_a_block(self):
        found = self.found("\t__try {\n\t\tguard(mutex)(&lock);\n\t\tExRaiseStatus(1);\n\t}" + HANDLER)
        self.assertEqual([4], [line for line, _ in found])

    def test_continue_in_finally(self):
        block = "\t__try {\n\t\tExRaiseStatus(1);\n\t} __finally {\n\t\t%s\n\t}"
        self.assertEqual([6], [line for line, _ in self.found(block % "continue;")])
        self.assertEqual([], self.found(block % "while (Go()) { continue; }"))

    def test_raise_in_nested_blocks(self):
        self.assertEqual([], self.found("\t__try {\n\t\t__try {\n\t\t\tExRaiseStatus(1);\n\t\t} __finally {\n"
                                        "\t\t\tDone();\n\t\t}\n\t}" + HANDLER))


if __name__ == "__main__":
    unittest.main()
