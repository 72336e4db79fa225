# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The check of stop_and_go.py under pytest, with a test for each metric."""

import pytest
from stop_and_go import Esm2Harness, Sng

METRICS = [callback.get_metric() for callback in Esm2Harness().get_default_callbacks()]


@pytest.fixture(scope="module")
def report():
    return Esm2Harness(num_steps=10, stop_step=5).run_stop_and_go(None)


@pytest.mark.parametrize("metric", [*METRICS, "ValidationBatches"])
def test_stop_and_go(report, metric):
    result = report.lookup_metric(metric)
    if result is None:
        pytest.skip("does not apply to this training")
    assert result.get_verdict() == Sng.Verdict.PASS, result.get_reason() or result.get_first_divergence().to_string()
