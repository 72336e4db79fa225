# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A harness as a TestCase of Python's own unittest."""

import re
import unittest
from typing import Any

from sng.checks import Check, CheckFailed, CheckId, CheckSkipped


class StopAndGoTestCase(unittest.TestCase):
    """Name the harness, and there is a test method for each metric. It runs once, for all of them:

        class TestMyModel(sng.unittest.StopAndGoTestCase):
            harness = MyHarness
    """

    harness: Any = None
    check: Check

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.harness is None:
            return
        cls.check = Check(cls.harness)
        for check in cls.check.get_ids():
            name = re.sub(r"\W+", "_", str(check)).rstrip("_")
            if not hasattr(cls, name):
                setattr(cls, name, make_method(name, check))


def make_method(name: str, check: CheckId) -> Any:
    def method(self: StopAndGoTestCase) -> None:
        try:
            self.check.run(check)
        except CheckSkipped as reason:
            self.skipTest(str(reason))
        except CheckFailed as failure:
            message = str(failure)
        else:
            return
        self.fail(f"\n{message}")
    method.__name__ = name
    method.__doc__ = None
    return method
