# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PyTorch model under pytest: a test for each metric. Run it with: pytest -v test_torch.py"""

import pytest

import sng

torch = pytest.importorskip("torch", reason="needs PyTorch")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1))

    def forward(self, x, y):
        prediction = self.layers(x)
        return {"loss": (prediction - y).pow(2).mean(), "prediction": prediction}


class TestNet(sng.StopAndGoHarness):
    num_steps = 10
    val_check_interval = 4
    limit_val_batches = 2
    lr = 1e-2

    def setup_model(self, mode):
        model = Net()
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.lr)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        x = torch.randn(60, 8)
        samples = [{"x": row, "y": row.sum()[None]} for row in x]
        return model, (samples[:50], samples[50:]), optimizer, scheduler


class Forgetful(TestNet):
    """A resume that leaves out the optimizer's moments. Its name does not begin with Test: pytest leaves it alone."""

    def restore(self, trainer, checkpoint):
        fresh = trainer.get_state_registry().lookup("optimizer").get_state()
        checkpoint.set_state("optimizer", fresh)
        trainer.restore(checkpoint)


def test_lost_moments_are_found():
    report = Forgetful().run_stop_and_go()
    assert report.get_verdict() == sng.Verdict.DIVERGED
    assert report.get_first_divergence().get_metric() == "OptimizerState"
