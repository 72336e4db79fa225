# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does Lightning's own resume go on as if nothing had been? Run it with: pytest -v test_lightning_resume.py"""

import pytest

import sng

lightning = pytest.importorskip("lightning", reason="needs Lightning")
torch = pytest.importorskip("torch", reason="needs PyTorch")
stateful_dataloader = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")


class Regression(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1))

    def training_step(self, batch, batch_idx):
        return self.layers(batch).square().mean()

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class SaveGenerator(lightning.Callback):
    """Lightning saves no random number generator. Without this callback the dropout differs after a resume."""

    def state_dict(self):
        return {"cpu": torch.get_rng_state()}

    def load_state_dict(self, state_dict):
        self.saved = state_dict["cpu"]

    def on_train_start(self, trainer, pl_module):
        if hasattr(self, "saved"):
            torch.set_rng_state(self.saved)


class TestRegression(sng.lightning.StopAndGoHarness):
    num_steps = 8
    stop_step = 4

    def setup_model(self, mode):
        samples = torch.randn(12, 4, generator=torch.Generator().manual_seed(1))
        return Regression(), stateful_dataloader.StatefulDataLoader(samples, batch_size=2, shuffle=True)

    def setup_trainer(self, mode, **defaults):
        defaults["callbacks"].append(SaveGenerator())
        return super().setup_trainer(mode, accelerator="cpu", **defaults)
