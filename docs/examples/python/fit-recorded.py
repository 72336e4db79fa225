#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The training fit.py with a recorder, so that each step of it can be compared and not its result alone.

fit-recorded.py trains, and goes on from the checkpoint in the directory that --out names, if there is one."""

import argparse
import csv
import pathlib
import pickle

import numpy

import sng

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--save-every", type=int, default=5)
parser.add_argument("--in-place", action="store_true")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--resume", action="store_true")
parser.add_argument("--forget", choices=["momentum", "random", "nothing"], default="nothing")
parser.add_argument("--out", type=pathlib.Path, default="out")
options = parser.parse_args()

random = numpy.random.default_rng(options.seed)
state = {"step": 0, "weights": numpy.zeros(4), "momentum": numpy.zeros(4), "random": random, "losses": []}
checkpoint = options.out / "checkpoint.pickle"
options.out.mkdir(exist_ok=True)
if options.resume and checkpoint.exists():
    fresh = {name: state[name] for name in state if name == options.forget}
    state = {**pickle.loads(checkpoint.read_bytes()), **fresh}


def describe():
    return {"ModelWeights": state["weights"], "OptimizerState": state["momentum"], "RngState": str(state["random"].bit_generator.state)}


recorder = sng.Recorder()
recorder.record(state["step"], describe)
while state["step"] < options.steps:
    x = state["random"].normal(size=(8, 4))
    errors = x @ state["weights"] - x @ [1, 2, 3, 4]
    loss = float((errors ** 2).mean())
    state["momentum"] = 0.9 * state["momentum"] + x.T @ errors / 4
    state["weights"] = state["weights"] - 0.05 * state["momentum"]
    state["losses"].append(loss)
    state["step"] += 1
    if state["step"] % options.save_every == 0:
        target = checkpoint if options.in_place else checkpoint.with_suffix(".new")
        target.write_bytes(pickle.dumps(state))
        target.replace(checkpoint)
    recorder.step(state["step"], {"TrainInput": x, "TrainLoss": loss, **describe()})

numpy.save(options.out / "weights.npy", state["weights"])
with open(options.out / "losses.csv", "w", encoding="utf-8") as file:
    csv.writer(file).writerows([("step", "loss"), *enumerate(state["losses"], 1)])
