#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The check of stop_and_go.py in mixed precision, with an average of the
weights and an early stopping. All that they know must outlive the stop, too."""

import sys

from stop_and_go import Esm2Harness, Sng


class AveragingHarness(Esm2Harness):
    def do_setup_trainer(self, mode):
        trainer = Esm2Harness.do_setup_trainer(self, mode)
        average = Sng.ExponentialMovingAverage.new(decay=0.99)
        early_stopping = Sng.EarlyStopping.new("valid_loss", Sng.MonitorMode.MIN, patience=3)
        trainer.props.exponential_moving_average = average
        trainer.props.early_stopping = early_stopping
        return trainer


report = AveragingHarness(num_steps=10, stop_step=5, precision="16-mixed").run_stop_and_go(None)
print(report.to_text())

missing = [name for name in ("EmaState", "GradScalerState") if report.lookup_metric(name) is None]
sys.exit(bool(missing) or report.get_verdict() != Sng.Verdict.PASS)
