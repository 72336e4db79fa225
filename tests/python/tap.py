# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""unittest.main() that prints TAP: main("/sng/prefix") at the end of a test."""

import sys
import unittest

NEEDS_TORCH = "needs PyTorch, which ./bootstrap torch installs"


class Result(unittest.TestResult):
    prefix = ""

    def report(self, status, test, comment=""):
        name = ".".join(test.id().split(".")[-2:])
        print(f"{status} {self.testsRun} {self.prefix}/{name}{comment}", flush=True)

    def fail(self, test, error):
        if not getattr(test, "has_failed", False):
            test.has_failed = True
            self.report("not ok", test)
        print(self._exc_info_to_string(error, test), file=sys.stderr)

    def addSuccess(self, test):
        self.report("ok", test)

    def addSkip(self, test, reason):
        self.report("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.fail(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.fail(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            print(subtest, file=sys.stderr)
            self.fail(test, error)


def main(prefix):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = Result()
    result.prefix = prefix
    print(f"1..{suite.countTestCases()}", flush=True)
    suite.run(result)
    sys.exit(not result.wasSuccessful())
