#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""torch_script.py DIRECTORY [FORGET]: a training loop of its own that has everything sng.torch knows, and saves it by
a checkpoint store. FORGET names what a resume leaves as it was built."""

import random
import sys

import numpy
import torch

import sng
import sng.torch


def main(directory, forget=""):
    torch.manual_seed(0)
    random.seed(0)
    numpy.random.seed(0)
    recorder = sng.Recorder()
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.**10, growth_interval=3)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    loader = torch.utils.data.DataLoader(torch.sin(torch.arange(80.)).reshape(20, 4), batch_size=3, shuffle=True)
    batches = sng.torch.LoaderState(loader)
    parts = {"model": sng.torch.ModuleState(model), "optimizer": sng.torch.OptimizerState(optimizer, model),
             "scheduler": sng.torch.ObjectState(scheduler), "scaler": sng.torch.ObjectState(scaler),
             "average": sng.torch.ModuleState(average), "loader": batches,
             **{f"rng/{name}": sng.torch.RngState(name) for name in ("python", "numpy", "torch")}}

    store = sng.CheckpointStore.new(directory)
    step = 0
    if store.list():
        checkpoint, _ = store.load_latest()
        step = checkpoint.get_step()
        for name, part in parts.items():
            if name != forget:
                part.set_state(checkpoint.lookup_state(name))

    while step < 10:
        for batch in batches:
            step += 1
            noise = random.random() + float(numpy.random.random())
            optimizer.zero_grad()
            loss = (model(batch) - batch.sum(1, keepdim=True) - noise).pow(2).mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            average.update_parameters(model)
            checkpoint = sng.Checkpoint.new(step)
            for name, part in parts.items():
                checkpoint.set_state(name, part.get_state())
            store.save(checkpoint)
            recorder.step(step, sng.torch.metrics(
                model=model, optimizer=optimizer, scheduler=scheduler, scaler=scaler, ema=average, loss=loss, inputs=batch,
                rng=("python", "numpy", "torch")))
            if step == 10:
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
