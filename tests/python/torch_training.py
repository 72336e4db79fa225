# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PyTorch training for tests: a harness whose resume can lose a part of the state."""

import torch

import sng


class Net(torch.nn.Module):
    """With buffers (of the normalisation) and a random stream (of the dropout)."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))

    def forward(self, x, y):
        prediction = self.layers(x)
        return {"loss": ((prediction - y) ** 2).mean(), "prediction": prediction}


def new_dataset(first, size):
    x = torch.sin(torch.arange(first, first + 4. * size)).reshape(size, 4)
    return [{"x": row, "y": row.sum()[None]} for row in x]


class TorchHarness(sng.StopAndGoHarness):
    """forget names what is left as it was built when the rest is restored."""

    num_steps = 8
    stop_step = 4
    val_check_interval = 2
    lr = 1e-2
    isolation = sng.Isolation.NONE

    def __init__(self, forget=None, **properties):
        super().__init__(**properties)
        self.forget = forget

    def setup_model(self, mode):
        net = Net()
        optimizer = torch.optim.AdamW(net.parameters(), lr=self.lr)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        return net, (new_dataset(0, 30), new_dataset(1000, 10)), optimizer, scheduler

    def restore(self, trainer, checkpoint):
        if self.forget:
            fresh = trainer.get_state_registry().lookup(self.forget).get_state()
            checkpoint.set_state(self.forget, fresh)
        trainer.restore(checkpoint)
