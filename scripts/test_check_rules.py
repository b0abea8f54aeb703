# SPDX-License-Identifier: GPL-2.0
"""The rules about includes and about what pages say, on a tree that breaks them."""

import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
LOADER = importlib.machinery.SourceFileLoader("check_rules", str(HERE / "check-rules"))
rules = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_rules", LOADER))
LOADER.exec_module(rules)

PAGE = "``base/``      low\n``core/``      high\n``wdm/``       a face\n``user/``      another\n"


class Includes(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root, rules.ROOT = rules.ROOT, Path(self.directory.name).resolve()
        self.addCleanup(setattr, rules, "ROOT", self.root)
        rules.layers_of.cache_clear()
        self.addCleanup(rules.layers_of.cache_clear)
        self.top = rules.ROOT / "drivers/iommu/v3compat"
        self.write(rules.ROOT / rules.LAYERED["drivers/iommu/v3compat"], PAGE)

    def write(self, path, text=""):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def file(self, name, *includes):
        text = "".join(f"#include {i if i.startswith('<') else chr(34) + i + chr(34)}\n" for i in includes)
        return self.write(self.top / name, text)

    def wrong(self, rule, path):
        return [what for _, what in rule(path, path.read_text())]

    def test_lower_layers_may_be_included(self):
        self.file("base/low.h")
        self.assertEqual(self.wrong(rules.layering, self.file("core/high.c", "base/low.h")), [])

    def test_higher_layers_may_not(self):
        self.file("core/high.h")
        self.assertEqual(self.wrong(rules.layering, self.file("base/low.c", "core/high.h")),
                         ["base/ includes core/high.h, which is above it"])

    def test_faces_do_not_know_each_other(self):
        self.file("wdm/read.h")
        self.assertEqual(self.wrong(rules.layering, self.file("user/file.c", "wdm/read.h")),
                         ["user/ includes the face wdm/"])

    def test_faces_share_words(self):
        self.file("wdm/status.h")
        self.assertEqual(self.wrong(rules.layering, self.file("user/file.c", "wdm/status.h")), [])

    def test_missing_files_and_folders_without_layer_are_told(self):
        self.assertEqual(len(self.wrong(rules.layering, self.file("base/low.c", "base/none.h"))), 1)
        self.assertEqual(len(self.wrong(rules.layering, self.file("other/x.c"))), 1)

    def test_files_beside_the_folders_are_told(self):
        self.assertEqual(self.wrong(rules.layering, self.file("main.c")), [])
        self.assertEqual(self.wrong(rules.layering, self.file("other.c")), ["is in no layer"])

    def test_guards_and_gotos_do_not_mix(self):
        both = "static int try_it(void)\n{\n\tguard(mutex)(&lock);\n\tgoto out;\nout:\n\treturn 0;\n}\n"
        path = self.write(self.top / "core/a.c", both)
        self.assertEqual(self.wrong(rules.gotos, path), ["try_it() has a guard and a goto"])
        self.write(path, both.replace("\tgoto out;\nout:\n", ""))
        self.assertEqual(self.wrong(rules.gotos, path), [])

    def test_cells_and_payloads_are_looked_into_by_few(self):
        text = "static bool is_free(const u8 *cell)\n{\n\treturn !(*cell & ~V3C_CELL_DEAD);\n}\n"
        for name in ("table/a.c", "core/quick.h", "core/segments.h"):
            self.assertEqual(self.wrong(rules.hidden, self.write(self.top / name, text)), [])
        for name in ("core/map.c", "wdm/interface.c"):
            self.assertEqual(self.wrong(rules.hidden, self.write(self.top / name, text)),
                             ["looks into the cells of a space"])
        taken = "\tpinned = v3c_pins_take(space, first);\n\tv3c_released_give(&released, false);\n"
        self.assertEqual(self.wrong(rules.hidden, self.write(self.top / "core/held.c", taken)), [])
        self.assertEqual(self.wrong(rules.hidden, self.write(self.top / "core/map.c", taken)),
                         ["looks into the payloads of ranges"])
        state = "\tstate = v3c_cell_of_kind(V3C_RANGE_LOGICAL) | prot;\n\tslot->state = V3C_SLOT_FREE;\n"
        self.assertEqual(self.wrong(rules.hidden, self.write(self.top / "core/map.c", state)), [])

    def test_static_functions_have_names_of_two_words(self):
        path = self.write(self.top / "core/a.c", "static int attach(void)\n{\n\treturn 0;\n}\n")
        self.assertEqual(self.wrong(rules.words, path), ["attach() has a name of one word"])
        path = self.write(self.top / "core/c.c", "RB_MACRO(static, a,\n\t b)\n\nstatic const struct x *\nattach(int a,\n"
                          "       int b)\n{\n}\n")
        self.assertEqual(self.wrong(rules.words, path), ["attach() has a name of one word"])
        path = self.write(self.top / "core/b.c", "int run(void)\n{\n}\n\nstatic int do_run(void)\n{\n}\n")
        self.assertEqual(self.wrong(rules.words, path), [])

    def test_windows_stays_in_the_faces(self):
        self.assertEqual(len(self.wrong(rules.windows, self.file("core/a.h", "<v3compat/wdm.h>"))), 1)
        self.assertEqual(len(self.wrong(rules.windows, self.file("core/b.h", "<linux/v3compat.h>"))), 1)
        self.assertEqual(self.wrong(rules.windows, self.file("wdm/c.h", "<v3compat/wdm.h>")), [])

    def test_units_come_in_order(self):
        top = rules.ROOT / "drivers/iommu/iommusim"
        rules.order_of.cache_clear()
        self.addCleanup(rules.order_of.cache_clear)
        self.write(top / "instance.h", "/**\n * DOC: Units of iommusim\n *\n * words::\n *\n"
                   " *\tinstance  table\n *\tmain\n */\n\n/* words */\nint x;\n")
        self.write(top / "main.h", "void instance(void);\n")
        table = self.write(top / "table.c", '#include "instance.h"\n#include "main.h"\n')
        self.assertEqual(self.wrong(rules.ordering, table), ["table includes main.h, which is not before it"])
        self.assertEqual(len(self.wrong(rules.ordering, self.write(top / "new.c"))), 1)
        self.assertEqual(rules.order_of("drivers/iommu/iommusim"), ["instance", "table", "main"])
        (top / "main.h").unlink()
        self.assertEqual(len(self.wrong(rules.ordering, top / "instance.h")), 1)

    def test_sections_are_there_and_on_a_page(self):
        rules.shown_sections.cache_clear()
        self.addCleanup(rules.shown_sections.cache_clear)
        c = self.write(self.top / "base/low.h", "/**\n * DOC: One\n */\n\n/**\n * DOC: Two\n */\n")
        directive = ".. kernel-doc:: drivers/iommu/v3compat/base/low.h\n"
        page = self.write(rules.ROOT / "Documentation/page.rst",
                          directive + "   :doc: One\n\n" + directive + "   :doc: Three\n\n"
                          + directive + "   :identifiers: four\n")
        self.assertEqual(self.wrong(rules.pulled, page),
                         ["drivers/iommu/v3compat/base/low.h has no section DOC: Three"])
        self.assertEqual(self.wrong(rules.shown, c), ["no page shows the section DOC: Two"])
        page.write_text(directive)
        rules.shown_sections.cache_clear()
        self.assertEqual(self.wrong(rules.shown, c), [])
        page.write_text(directive.replace("low", "gone"))
        self.assertEqual(len(self.wrong(rules.pulled, page)), 1)

    def test_functions_that_are_named_are_there(self):
        rules.words_of_code.cache_clear()
        self.addCleanup(rules.words_of_code.cache_clear)
        c = self.write(self.top / "base/low.c", "void v3c_one(void);\n/* v3c_one(), v3c_two() */\n")
        self.assertEqual(rules.called(c, c.read_text()), [(2, "names v3c_two(), which is not there")])
        page = self.write(rules.ROOT / "Documentation/page.rst", "v3c_one() and\nv3compat_three()\n")
        self.assertEqual(rules.called(page, page.read_text()),
                         [(2, "names v3compat_three(), which is not there")])

    def test_circles_are_found_by_unit(self):
        a = [self.file("core/a.c", "core/a.h", "core/b.h"), self.file("core/a.h")]
        b = [self.file("core/b.c", "core/b.h"), self.file("core/b.h")]
        self.assertEqual(rules.circles(a + b), [])
        b[0] = self.file("core/b.c", "core/b.h", "core/a.h")
        found = rules.circles(a + b)
        self.assertEqual(len(found), 2)
        self.assertIn("core/a: error: includes, in a circle, b", found[0])


if __name__ == "__main__":
    unittest.main()
