# SPDX-License-Identifier: GPL-2.0
"""Counts of passed, failed and skipped tests in what a test program printed."""

import re
from collections import namedtuple

Counts = namedtuple("Counts", "passed failed skipped")

TOTALS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
KUNIT_PY = re.compile(r"Testing complete\. Ran \d+ tests:(.*)$")
TIMESTAMP = re.compile(r"^(?:<\d+>)?\[[ \d.]+\](?:\[[ TC\d]+\])? ?")
PLAN = re.compile(r"^( *(?:# ?)?)1\.\.(\d+)")
RESULT = re.compile(r"^( *)(not )?ok \d+\b(.*)$")


def add(a, b):
    return Counts(*(x + y for x, y in zip(a, b)))


def totals_lines(lines):
    """The sum of all 'N passed, N failed, N skipped' lines, None without one."""
    found = [m for m in map(TOTALS.match, lines) if m]
    if not found:
        return None
    total = Counts(0, 0, 0)
    for m in found:
        total = add(total, Counts(*(int(n or 0) for n in m.groups())))
    return total


def kunit_py(lines):
    """The sum of what each run of kunit.py says in its last line, None without one."""
    found = [m for m in map(KUNIT_PY.search, lines) if m]
    if not found:
        return None
    total = Counts(0, 0, 0)
    for m in found:
        said = {k: int(n) for k, n in re.findall(r"(\w+): (\d+)", m.group(1))}
        bad = sum(said.get(k, 0) for k in ("failed", "crashed", "errors"))
        total = add(total, Counts(said.get("passed", 0), bad, said.get("skipped", 0)))
    return total


def tap(lines):
    """Leaves of TAP or KTAP, also out of a kernel log; a test that a plan
    promises and nobody reports has failed."""
    total = Counts(0, 0, 0)
    depth_plan = {}
    depth_seen = {}
    seen = False

    def close(indent):
        """Ends all levels deeper than indent; True if there were any."""
        nonlocal total
        deeper = [d for d in set(depth_plan) | set(depth_seen) if d > indent]
        for d in deeper:
            missing = depth_plan.pop(d, 0) - depth_seen.pop(d, 0)
            if missing > 0:
                total = add(total, Counts(0, missing, 0))
        return bool(deeper)

    for line in lines:
        line = TIMESTAMP.sub("", line)
        plan = PLAN.match(line)
        if plan:
            indent = len(plan.group(1))
            close(indent)
            # Several test programs may speak one after the other.
            depth_plan[indent] = depth_plan.get(indent, 0) + int(plan.group(2))
            continue
        result = RESULT.match(line)
        if not result:
            continue
        seen = True
        indent = len(result.group(1))
        was_parent = close(indent)
        depth_seen[indent] = depth_seen.get(indent, 0) + 1
        if was_parent:
            continue
        skipped = re.search(r"# *SKIP\b", result.group(3), re.I)
        if skipped:
            total = add(total, Counts(0, 0, 1))
        elif result.group(2):
            total = add(total, Counts(0, 1, 0))
        else:
            total = add(total, Counts(1, 0, 0))
    close(-1)
    return total if seen else None


def count(text):
    """Counts of one program's output in whichever form it has, else None."""
    lines = text.splitlines()
    for form in (totals_lines, kunit_py, tap):
        found = form(lines)
        if found is not None:
            return found
    return None


def failures(text):
    """The lines that name a failed test."""
    bad = re.compile(r"^ *not ok |^FAIL\b|\[FAILED\]|\[CRASHED\]|^\S*: ?(?:error|warning):")
    return [line for line in text.splitlines() if bad.search(TIMESTAMP.sub("", line))]
