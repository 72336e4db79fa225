#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the results that meson wrote: count.py LOG_DIRECTORY EXIT_STATUS

What counts is the test case: each line of TAP that a test printed, or the test
itself where it speaks no TAP (or printed no case).  A test that failed without
a failed case (it crashed, ran out of time, or left cases out) is one failure.
EXIT_STATUS is that of the test run; a run that failed before there were
results is one failure too.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

GOOD = ("OK", "EXPECTEDFAIL", "SKIP")


def last_line(text):
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "no reason given"


def read_cases(path):
    """Gives the passed, failed and skipped cases, as lists of (test, case)."""
    passed, failed, skipped = [], [], []
    # meson copies what tests print, colour codes too, which XML does not allow.
    with open(path, encoding="utf-8", errors="replace") as log:
        text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", log.read())
    # Without the line that declares an encoding: the text is decoded already.
    root = ElementTree.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            name = case.get("name")
            # meson names a suite of TAP cases "project.test", and puts the
            # tests without cases together into one named "project".
            is_tap = suite.get("name") != suite.get("name").split(".")[0]
            test = suite.get("name").split(".", 1)[1] if is_tap else name
            label = f"{test}: {name}" if is_tap else name
            if case.find("skipped") is not None:
                skipped.append((test, f"{label}: {last_line(case.findtext('system-out'))}"))
            elif case.find("failure") is not None or case.find("error") is not None:
                failed.append((test, label))
            else:
                passed.append((test, label))
    return passed, failed, skipped


def read_broken(path):
    """Gives the names of the tests that did not end well, with how they ended."""
    with open(path, encoding="utf-8") as log:
        results = [json.loads(line) for line in log if line.strip()]
    return {r["name"]: r["result"] for r in results if r["result"] not in GOOD}


def main():
    directory, status = sys.argv[1], int(sys.argv[2])
    json_path = os.path.join(directory, "testlog.json")
    junit_path = os.path.join(directory, "testlog.junit.xml")

    if not (os.path.exists(json_path) and os.path.exists(junit_path)):
        print("There are no test results: the build did not get that far.")
        print("0 passed, 1 failed, 0 skipped")
        return 1

    passed, failed, skipped = read_cases(junit_path)
    with_failed_case = {test for test, _ in failed}
    for test, result in read_broken(json_path).items():
        if test not in with_failed_case:
            failed.append((test, f"{test}: {result}"))
    if status != 0 and not failed:
        failed.append(("", f"the test run ended with status {status}"))

    for _, line in skipped:
        print(f"skipped: {line}")
    for _, line in failed:
        print(f"failed: {line}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
