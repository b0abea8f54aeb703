#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""layout.py HEADER: a C program that prints where each field of each struct of HEADER is.

It complains about bytes between fields, or behind the last one, that belong to none."""

import re
import sys

TEXT = re.sub(r"/\*.*?\*/", "", open(sys.argv[1], encoding="utf-8").read(), flags=re.S)


def fields(body):
    """Names of the fields, those of an unnamed union as one list of alternatives."""
    union = re.search(r"union \{(.*?)\};", body, re.S)
    if union:
        body = body.replace(union.group(0), "")
    names = [[m] for m in re.findall(r"(\w+)(?:\[\w+\])?;", body)]
    if union:
        names.append(re.findall(r"(\w+);", union.group(1)))
    return names


print("#include <stddef.h>\n#include <stdio.h>\n#include <linux/v3compat.h>")
print("#define SIZE(type, field) sizeof(((struct type *)0)->field)")
print("int main(void)\n{\n\tsize_t at, bad = 0;\n")
for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", TEXT, re.M | re.S):
    print("\tat = 0;")
    for alternatives in fields(body):
        for field in alternatives:
            print(f'\tprintf("{name}.{field} %zu %zu\\n", offsetof(struct {name}, {field}), '
                  f"SIZE({name}, {field}));")
            print(f"\tbad += offsetof(struct {name}, {field}) != at;")
        first = max(alternatives, key=lambda f: f == "map")
        print(f"\tat += SIZE({name}, {first});")
    print(f'\tprintf("{name} %zu\\n", sizeof(struct {name}));')
    print(f"\tif (bad || sizeof(struct {name}) != at)\n"
          f'\t\treturn fprintf(stderr, "# padding in {name}\\n"), 1;')
print("\treturn 0;\n}")
