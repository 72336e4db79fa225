#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The check of stop_and_go.py, broken on purpose: each of these faults must be found."""

import sys

from stop_and_go import Esm2Harness, Sng

FAULTS = ["lr-reset", "opt-bf16", "drop:rng/masking"]

report = Esm2Harness(num_steps=10, stop_step=5).run_faults(FAULTS, None)
print(report.to_text())
sys.exit(report.get_verdict() != Sng.Verdict.PASS)
