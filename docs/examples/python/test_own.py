# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of one's own in place of those that pytest makes of a harness, and a harness under unittest."""

import pytest

import sng
import sng.unittest
from stop_and_go import Esm2Harness


class TestFew(Esm2Harness):
    @pytest.mark.parametrize("metric", ["LearningRate", "OptimizerState", "TrainLoss"])
    def test_stop_and_go_consistency(self, metric):
        report = self.get_report() or self.run_stop_and_go(None)
        assert report.lookup_metric(metric).get_verdict() == sng.Verdict.PASS


class Forgetful(Esm2Harness):
    """A resume that leaves out the optimizer's moments. Its name does not begin with Test: pytest leaves it alone."""

    def do_restore(self, trainer, checkpoint):
        fresh = trainer.get_state_registry().lookup("optimizer").get_state()
        checkpoint.set_state("optimizer", fresh)
        return trainer.restore(checkpoint)


class Esm2Test(sng.unittest.StopAndGoTestCase):
    harness = Esm2Harness
