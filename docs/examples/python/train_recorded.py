#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""train.py with a recorder: sng check -- train_recorded.py {checkpoint-dir}/last.pt"""

import os
import sys

import torch

import sng
import sng.torch


def save(path, step, model, optimizer, scheduler):
    state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
             "rng": torch.get_rng_state()}
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def load(path, model, optimizer, scheduler):
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    torch.set_rng_state(state["rng"])
    return state["step"]


def main(path):
    torch.manual_seed(0)
    recorder = sng.Recorder()
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    first = load(path, model, optimizer, scheduler) if os.path.exists(path) else 0
    for step in range(first + 1, 11):
        x = torch.randn(4, 8)
        loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        save(path, step, model, optimizer, scheduler)
        recorder.step(step, sng.torch.metrics(model=model, optimizer=optimizer, scheduler=scheduler, loss=loss, inputs=x))
        print(f"step {step}: loss {loss.item()}")


if __name__ == "__main__":
    main(sys.argv[1])
