#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks how much a recorder adds to a training: check-added.py BEFORE AFTER MAXIMUM.

Lines of code count; comments and empty lines do not.  Nothing of the training itself may be changed or taken away.
"""

import difflib
import pathlib
import re
import sys


def read(path):
    """The lines of code of a file in C or Python."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S) if path.endswith(".c") else re.sub(r'^(""".*?"""|#.*?)$', "", text, flags=re.S | re.M)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def main(before, after, maximum):
    changes = [line for line in difflib.ndiff(read(before), read(after)) if line[0] in "+-"]
    added = [line for line in changes if line[0] == "+"]
    print("1..2")
    print("ok 1 nothing is changed" if len(added) == len(changes) else "not ok 1 nothing is changed")
    print(f"{'ok' if 0 < len(added) <= int(maximum) else 'not ok'} 2 {len(added)} lines are added, at most {maximum}")
    for line in changes:
        print("#", line)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
