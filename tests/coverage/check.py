#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports what tests do not go through, and compares it with what is known:
check.py SOURCE_ROOT MEASURED UNCOVERED

MEASURED is gcovr's JSON. UNCOVERED lists each place that nothing goes through,
with the reason. The exit status is 1 where a place is missing in the list, or
the list has one that is gone, or that is gone through by now."""

import collections
import json
import pathlib
import re
import sys

# Statements whose branches nobody wrote: those in them are not counted.
MACROS = re.compile(
    r"^\s*(?:"
    r"g_return_(?:val_)?if_fail"    # misuse by the programmer, which ends in a critical
    r"|g_assert"                    # cannot be, or the program ends
    r"|G_DEFINE_\w+"                # a type is registered by the first thread that asks
    r"|g_clear_(?:pointer|object)"  # nothing is done where there is nothing to free
    r"|g_task_set_source_tag"       # it names the task where it has no name
    r") \(")
# Where a block is left in several ways, the compiler frees in one place and
# branches there to where it was bound: what decides that is counted at its own line.
CLEANUP = re.compile(r"^\s*g_auto(?:free |ptr \(|\s\()[^?|&]*;$")
FUNCTION = re.compile(r"^(\w+) \(")

# A place is a line of code, known by its text, since numbers change with every edit.
Place = collections.namedtuple("Place", "file function text")


def close_of(lines, first):
    """The line on which the parenthesis is closed that the statement opens."""
    depth = 0
    for number in range(first, len(lines)):
        code = re.sub(r'"(?:[^"\\]|\\.)*"', "", lines[number])
        depth += code.count("(") - code.count(")")
        if depth <= 0:
            return number
    return first


def find_macros(lines):
    """The numbers, from 1, of all lines whose branches nobody wrote."""
    found = set()
    for first, line in enumerate(lines):
        if MACROS.match(line):
            found.update(range(first + 1, close_of(lines, first) + 2))
        elif CLEANUP.match(line):
            found.add(first + 1)
    return found


def find_functions(lines):
    """The function that each line, from 1, is in."""
    functions, name = {}, ""
    for number, line in enumerate(lines, 1):
        match = FUNCTION.match(line)
        if match and not line.startswith("G_"):
            name = match.group(1)
        functions[number] = name
    return functions


class Measurement:
    def __init__(self, root, measured):
        self.files = []     # (name, lines, lines run, branches, branches taken)
        self.missed = collections.Counter()  # Place -> branches; 0: a line that is not run
        self.shown = []

        for entry in sorted(measured["files"], key=lambda entry: entry["file"]):
            text = (root / entry["file"]).read_text(encoding="utf-8").split("\n")
            self.add(entry["file"], text, [line for line in entry["lines"] if not line.get("gcovr/noncode")])

    def add(self, name, text, lines):
        macros, functions = find_macros(text), find_functions(text)
        n_run = n_branches = n_taken = 0

        for line in lines:
            number = line["line_number"]
            branches = [] if number in macros else line["branches"]
            taken = sum(branch["count"] > 0 for branch in branches)
            n_run += line["count"] > 0
            n_branches += len(branches)
            n_taken += taken
            if line["count"] > 0 and taken == len(branches):
                continue
            source = text[number - 1].strip()
            self.missed[Place(name, functions[number], source)] += len(branches) - taken
            self.shown.append(f"{name}:{number}: {len(branches) - taken or 'line'} | {source}")
        self.files.append((name, len(lines), n_run, n_branches, n_taken))

    def sum(self, column):
        return sum(file[column] for file in self.files)


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def read_known(path):
    """The list: FILE FUNCTION, below it COUNT | TEXT for each place, and the reason below these."""
    known, places, has_reason = collections.Counter(), None, True
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if not has_reason:
                sys.exit(f"{path}:{number}: the entry before this has no reason")
            places, has_reason = line.split(), False
        elif match := re.fullmatch(r"    (\d+|line) \| (.*)", line):
            known[Place(*places, match.group(2).strip())] += 0 if match.group(1) == "line" else int(match.group(1))
        else:
            has_reason = True
    if not has_reason:
        sys.exit(f"{path}: the last entry has no reason")
    return known


def show(measurement):
    print(f"{'':42}{'lines':>12}{'branches':>12}")
    for name, *numbers in measurement.files + [("all", *(measurement.sum(i) for i in range(1, 5)))]:
        n_lines, n_run, n_branches, n_taken = numbers
        print(f"{name:42}{n_run:6}/{n_lines:<5}{n_taken:6}/{n_branches:<5}{percent(n_taken, n_branches):7.1f} %")
    print("\nnot gone through: branches that are never taken, or the line | source")
    for line in measurement.shown:
        print(line)


def main():
    root, measured, known = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text()), \
        read_known(pathlib.Path(sys.argv[3]))
    measurement = Measurement(root, measured)
    missed = measurement.missed
    wrong = [f"not listed: {place.file} {place.function}: {count or 'line'} | {place.text}"
             for place, count in missed.items() if place not in known]
    wrong += [f"listed, but gone through or not there: {place.file} {place.function}: {place.text}"
              for place in known if place not in missed]
    wrong += [f"listed with {known[place] or 'line'}, missed are {count or 'line'}: "
              f"{place.file} {place.function}: {place.text}"
              for place, count in missed.items() if place in known and known[place] != count]
    if not measurement.sum(3):
        wrong.append("nothing was measured")

    show(measurement)
    print()
    for line in wrong:
        print(line)
    print(f"{percent(measurement.sum(4), measurement.sum(3)):.1f} % of {measurement.sum(3)} branches, "
          f"{percent(measurement.sum(2), measurement.sum(1)):.1f} % of {measurement.sum(1)} lines; "
          f"{len(missed)} places are missed, "
          + (f"{len(wrong)} of which are not as listed" if wrong else "all of them listed with a reason"))
    return 1 if wrong else 0


sys.exit(main())
