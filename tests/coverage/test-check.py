#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the check of the coverage finds what is missed, and what the list
of it has too much: test-check.py.  Prints TAP."""

import json
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).parent / "check.py"

SOURCE = """\
static int
first (int a,
       int b)
{
  g_return_val_if_fail (a > 0
                            && b > 0,
                        0);

  if (a > b)
    return 1;
  g_autofree char *text = a > 1 ? make (a) : NULL;
  g_autofree char *plain = NULL;
  if (a == b || (text = g_free (text), b))
    return 2;

  return a;
}
"""
# Line -> how often each branch was taken.
MISSED = {5: [1, 0], 6: [0, 1], 9: [3, 0], 10: [], 11: [1, 0], 12: [0, 1], 13: [1, 2, 0, 3], 14: [], 16: []}
IS_RUN = {number: number != 10 for number in MISSED}

ALL = """\
# a comment
a.c first
    1 | if (a > b)
    line | return 1;
  It cannot be.

a.c first
    1 | g_autofree char *text = a > 1 ? make (a) : NULL;
    1 | if (a == b || (text = g_free (text), b))
  There is no memory.
"""

CASES = [
    # title, list, missed, exit status, what the output has
    ("all-listed", ALL, MISSED, 0, "62.5 % of 8 branches, 88.9 % of 9 lines; 4 places are missed, all of them listed"),
    ("nothing-missed", "", {9: [1, 1]}, 0, "100.0 % of 2 branches"),
    ("branch", ALL.replace("    1 | if (a > b)\n", ""), MISSED, 1, "not listed: a.c first: 1 | if (a > b)"),
    ("line", ALL.replace("    line | return 1;\n", ""), MISSED, 1, "not listed: a.c first: line | return 1;"),
    ("condition-in-declaration", ALL.replace("    1 | g_autofree char *text = a > 1 ? make (a) : NULL;\n", ""), MISSED, 1,
     "not listed: a.c first: 1 | g_autofree char *text"),
    ("beside-a-call", ALL.replace("    1 | if (a == b || (text = g_free (text), b))\n", ""), MISSED, 1,
     "not listed: a.c first: 1 | if (a == b ||"),
    ("other-function", ALL.replace("a.c first", "a.c second", 1), MISSED, 1, "not listed: a.c first: 1 | if (a > b)"),
    ("taken-by-now", ALL, {**MISSED, 9: [3, 1]}, 1, "listed, but gone through or not there: a.c first: if (a > b)"),
    ("gone", ALL.replace("if (a > b)", "if (a > 0)"), MISSED, 1, "not there: a.c first: if (a > 0)"),
    ("count", ALL.replace("    1 | if (a > b)", "    2 | if (a > b)"), MISSED, 1, "listed with 2, missed are 1"),
    ("reason", ALL.replace("  It cannot be.\n", ""), MISSED, 1, "has no reason"),
    ("last-reason", ALL.replace("  There is no memory.\n", ""), MISSED, 1, "has no reason"),
    ("nothing-measured", "", {}, 1, "nothing was measured"),
]


def run(known, missed):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        (root / "a.c").write_text(SOURCE)
        (root / "known").write_text(known)
        lines = [{"line_number": number, "count": int(IS_RUN[number]), "gcovr/noncode": False,
                  "branches": [{"count": count, "fallthrough": False, "throw": False} for count in branches]}
                 for number, branches in missed.items()]
        lines.append({"line_number": 1, "count": 0, "gcovr/noncode": True, "branches": []})
        (root / "measured").write_text(json.dumps({"files": [{"file": "a.c", "lines": lines}] if missed else []}))
        done = subprocess.run([sys.executable, CHECK, root, root / "measured", root / "known"],
                              capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    failed = False
    print(f"1..{len(CASES)}")
    for number, (title, known, missed, status, words) in enumerate(CASES, 1):
        found, output = run(known, missed)
        passed = found == status and words in output
        failed |= not passed
        if not passed:
            print(f"exit status {found}, wanted are {status} and \"{words}\":\n{output}", file=sys.stderr)
        print(f"{'ok' if passed else 'not ok'} {number} /sng/project/coverage/{title}")
    return 1 if failed else 0


sys.exit(main())
