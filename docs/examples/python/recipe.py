# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recipe as they are published: a function that trains with PyTorch, saves every few steps and resumes from the
newest checkpoint. What test_recipe.py needs of it is the call of report()."""

import os

import torch


def save(path, step, **objects):
    states = {name: value.state_dict() for name, value in objects.items()}
    torch.save({"step": step, "generator": torch.get_rng_state(), **states}, path)


def load(path, **objects):
    saved = torch.load(path)
    for name, value in objects.items():
        value.load_state_dict(saved[name])
    torch.set_rng_state(saved["generator"])
    return saved["step"]


def train(checkpoint_dir, num_steps=8, save_every=2, report=lambda step, metrics: None):
    torch.manual_seed(42)
    samples = torch.randn(64, 4)
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    objects = {"model": model, "optimizer": optimizer, "scheduler": scheduler}

    saved = sorted(os.listdir(checkpoint_dir))
    first = load(os.path.join(checkpoint_dir, saved[-1]), **objects) if saved else 0
    for step in range(first + 1, num_steps + 1):
        loss = model(samples[step * 4 % 64 :][:4]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % save_every == 0:
            save(os.path.join(checkpoint_dir, f"step-{step:08}.pt"), step, **objects)
        report(step, {"TrainLoss": loss, "ModelWeights": model, "OptimizerState": optimizer, "SchedulerState": scheduler})
