#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PyTorch loop of its own, under Sng.CommandHarness: it passes, and what is forgotten is found."""

import os
import subprocess
import sys
import tempfile
import unittest

import sng
import tap

try:
    import torch
except ImportError:
    torch = None

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples", "python")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_script.py")


@unittest.skipUnless(torch, tap.NEEDS_TORCH)
class CheckTest(unittest.TestCase):
    def run_check(self, *command, **properties):
        harness = sng.CommandHarness.new([sys.executable, *command])
        for name, value in {"stop_step": 4, "drill_down": False, **properties}.items():
            harness.set_property(name, value)
        return harness.run_stop_and_go(None)

    def test_faithful_resume_passes(self):
        report = self.run_check(SCRIPT, "{checkpoint-dir}")
        self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())
        for metric in ("LearningRate", "SchedulerState", "GradScalerState", "RngState", "TrainInput", "TrainLoss", "OptimizerState",
                       "ModelWeights", "EmaState"):
            self.assertGreaterEqual(report.lookup_metric(metric).get_compared(), 10, metric)

    def test_forgotten_state_diverges(self):
        """Each at the first step after the resume, in the metric that is nearest to it. Others are forgotten in test-torch.py."""
        for forget, metric in (("scaler", "GradScalerState"), ("average", "EmaState"), ("loader", "TrainInput"),
                               ("rng/python", "RngState"), ("rng/numpy", "RngState")):
            with self.subTest(forget):
                report = self.run_check(SCRIPT, "{checkpoint-dir}", forget)
                self.assertEqual(report.get_verdict(), sng.Verdict.DIVERGED, report.to_text())
                result = report.lookup_metric(metric)
                self.assertEqual(result.get_verdict(), sng.Verdict.DIVERGED, report.to_text())
                self.assertEqual((result.get_first_divergence().get_step(), report.get_first_divergence().get_step()), (5, 5))

    def test_the_example_passes(self):
        """With the control run, by which what is not seeded would be found."""
        example = os.path.join(EXAMPLES, "train_recorded.py")
        report = self.run_check(example, "{checkpoint-dir}/last.pt", repeat=True)
        self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())

    def test_the_example_before(self):
        with tempfile.TemporaryDirectory() as directory:
            printed = [subprocess.run([sys.executable, os.path.join(EXAMPLES, "train.py"), f"{directory}/last.pt"], check=True,
                                      capture_output=True, text=True).stdout for _ in range(2)]
        self.assertEqual((len(printed[0].splitlines()), printed[1]), (10, ""))


if __name__ == "__main__":
    tap.main("/sng/python/check-torch")
