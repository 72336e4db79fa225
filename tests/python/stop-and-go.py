#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stop-and-go.py [FORGET]: the training of linear.py with a process for each
mode. Prints the report; succeeds when the run passes."""

import sys

import linear
from linear import Sng

report = linear.LinearHarness(*sys.argv[1:]).run_stop_and_go(None)
print(report.to_json())
sys.exit(report.get_verdict() != Sng.Verdict.PASS)
