#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures saves and loads of checkpoints against the disk, the memory and PyTorch in one run.

All sides take turns, in another order each round, on the same bytes in the same directory; the figures are medians.  A save
is durable on all sides: libsng's own with digests, fsync of each file and directory, and renames; torch.save with one fsync of its
file; and a plain write with fsync, of which the fastest kind counts (through the page cache or past it, in large calls).  A
load of libsng is verified; a plain read goes to memory that is there already.  Both are measured from the page cache and, with
--cold, from the disk.

A ratio is the other side's time by libsng's, so more is better, but for the part of a save in the background that the training
waits for: that is libsng's time by that of one memcpy, and less is better."""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

WRITES = ("write 8", "write 64", "direct 8", "direct 64")
GOALS = {  # name: (at least, at most)
    "save / best plain write": (0.9, None),
    "save / torch.save + fsync": (2.0, None),
    "verified load / plain read": (0.9, None),
    "verified load / torch.load": (3.0, None),
    "verified load / plain read, cold": (0.9, None),
    "staging of a background save / memcpy": (None, 1.1),
}


class Libsng:
    """bench-storage, and what it answers."""

    def __init__(self, program, directory, mib):
        self.process = subprocess.Popen([program, directory, str(mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("bench-storage does not start")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        line = self.process.stdout.readline().strip()
        if not line:
            sys.exit(f"bench-storage has ended at \"{command}\"")
        return float("nan") if line == "none" else float(line)


class Torch:
    """The same state, as PyTorch saves it."""

    def __init__(self, directory, mib):
        import torch
        self.torch = torch
        self.path = pathlib.Path(directory) / "torch.pt"
        sizes = [int((mib << 20) / 3 / 24 * part / 100 / 4) for part in (32, 16, 16, 16, 16, 1, 1, 1, 1)]
        self.state = {name: {f"layers.{layer}.weight{i}": torch.arange(size, dtype=torch.int32).view(torch.float32)
                             for layer in range(24) for i, size in enumerate(sizes)}
                      for name in ("model", "exp_avg", "exp_avg_sq")}

    def save(self):
        self.path.unlink(missing_ok=True)
        os.sync()
        begin = time.perf_counter()
        with open(self.path, "wb") as file:
            self.torch.save(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        return time.perf_counter() - begin

    def load(self):
        begin = time.perf_counter()
        loaded = self.torch.load(self.path, weights_only=True)
        elapsed = time.perf_counter() - begin
        assert len(loaded) == 3
        return elapsed


def measure(libsng, torch, rounds, cold):
    turns = {name: (lambda name=name: libsng.ask(name)) for name in ("save", "load", "stage", "read", "copy", *WRITES)}
    if torch:
        turns |= {"torch.save": torch.save, "torch.load": torch.load}
    if cold:
        turns |= {"cold load": lambda: (libsng.ask("forget"), libsng.ask("load"))[1],
                  "cold read": lambda: (libsng.ask("forget"), libsng.ask("read"))[1]}
    libsng.ask("save")
    if torch:
        torch.save()
    for turn in turns.values():  # once for nothing: memory that is touched for the first time, kernels, page cache
        turn()

    times = {name: [] for name in turns}
    order = random.Random(7)
    for _ in range(rounds):
        names = list(turns)
        order.shuffle(names)
        for name in names:
            if name in ("load", "read"):  # what was written past the page cache is in it afterwards
                libsng.ask("read")
            if name in ("stage", "copy", "torch.load"):  # memory that lay idle may be slow at first
                turns[name]()
            times[name].append(turns[name]())
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "build")
    parser.add_argument("--mib", type=int, default=1024, help="size of the state (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold", action="store_true", help="loads from the disk as well")
    parser.add_argument("--directory", help="where to write; the default is a fresh one beside the build")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=options.directory or options.build) as directory:
        libsng = Libsng(options.build / "tests/bench/bench-storage", directory, options.mib)
        try:
            torch = Torch(directory, options.mib)
        except ImportError:
            torch = None
            print("There is no PyTorch here: without its side. See ./bootstrap torch.")
        times = measure(libsng, torch, options.rounds, options.cold)
        n_bytes = libsng.ask("files")
        load_file = libsng.ask("load-file")

    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{n_bytes / 2**20:.0f} MiB of files, {options.rounds} rounds\n")
    print(f"{'':14}{'median s':>10}{'least':>10}{'most':>10}{'GB/s':>8}")
    for name, values in times.items():
        print(f"{name:14}{medians[name]:10.4f}{min(values):10.4f}{max(values):10.4f}{n_bytes / medians[name] / 1e9:8.2f}")
    print(f"{'load-file':14}{load_file:10.4f}\n")

    plain = min(medians[name] for name in WRITES if medians[name] == medians[name])
    ratios = {"save / best plain write": plain / medians["save"],
              "verified load / plain read": medians["read"] / medians["load"],
              "staging of a background save / memcpy": medians["stage"] / medians["copy"]}
    if torch:
        ratios["save / torch.save + fsync"] = medians["torch.save"] / medians["save"]
        ratios["verified load / torch.load"] = medians["torch.load"] / medians["load"]
    if options.cold:
        ratios["verified load / plain read, cold"] = medians["cold read"] / medians["cold load"]

    missed = 0
    for name, ratio in ratios.items():
        least, most = GOALS[name]
        reached = (least is None or ratio >= least) and (most is None or ratio <= most)
        missed += not reached
        goal = f"at least {least}" if least is not None else f"at most {most}"
        print(f"{name:40}{ratio:6.2f}   {goal}: {'reached' if reached else 'MISSED'}")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
