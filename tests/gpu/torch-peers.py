# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of the figures of bench-gpu.c, one JSON object a line: torch.hash_tensor, what the original does (a copy of
every tensor to the host), torch.save, and the rate of a large matrix product, which is the ceiling of operations.  What fails is
told on the standard error, and the rest is measured all the same."""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import torch

MEBIBYTE = 1 << 20
N_SAVES = 3  # behind a first one, as in bench-gpu.c


def print_figure(name, case, n_bytes, **figures):
    print(json.dumps({"name": name, "case": case, "bytes": n_bytes, **figures}), flush=True)


def measure(name, case, n_bytes, work, repetitions):
    """The median by the host's clock until all is done, as bench-gpu.c has it."""
    seconds = []
    for i in range(repetitions + 1):
        torch.cuda.synchronize()
        before = time.monotonic()
        work(i)
        torch.cuda.synchronize()
        seconds.append(time.monotonic() - before)
    print_figure(name, case, n_bytes, host_seconds=statistics.median(seconds[1:]))


def measure_tensor(mebibytes, repetitions):
    n_bytes = mebibytes * MEBIBYTE
    tensors = [torch.rand(n_bytes // 4, device="cuda") for _ in range(4)]
    yield lambda: measure("hash_tensor", f"{mebibytes} MiB", n_bytes, lambda i: torch.hash_tensor(tensors[i % 4]), repetitions)
    yield lambda: measure("cpu", f"{mebibytes} MiB", n_bytes, lambda i: tensors[i % 4].cpu(), min(repetitions, 10))


def make_state(layers, hidden):
    """As many tensors and bytes as make_state() of bench-gpu.c has."""
    sizes = [hidden * hidden] * 4 + [4 * hidden * hidden] * 2 + [hidden] * 8 + [4 * hidden, hidden]
    return {f"{i:04}": torch.rand(sizes[i % len(sizes)], device="cuda") for i in range(3 * layers * len(sizes))}


def save(state, path):
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def measure_state(directory, repetitions):
    state = make_state(30, 640)
    n_bytes = sum(4 * tensor.numel() for tensor in state.values())
    few = min(repetitions, N_SAVES)
    yield lambda: measure("hash_tensor", "state", n_bytes, lambda _: [torch.hash_tensor(t) for t in state.values()], repetitions)
    yield lambda: measure("cpu", "state", n_bytes, lambda _: [t.cpu() for t in state.values()], few)
    yield lambda: measure("torch.save", "state", n_bytes, lambda _: save(state, directory / "state.pt"), few)


def measure_product(n, repetitions):
    a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    seconds = []
    for _ in range(repetitions + 1):
        begin.record()
        a @ b
        end.record()
        torch.cuda.synchronize()
        seconds.append(begin.elapsed_time(end) / 1e3)
    print_figure("product", "bf16", 6 * n * n, seconds=statistics.median(seconds[1:]), operations=2 * n ** 3)


def attempt(work):
    """Whether it did not fail."""
    try:
        work()
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=50)
    options = parser.parse_args()
    passed = [attempt(lambda: measure_product(8192, min(options.repetitions, 20)))]
    for group in (measure_tensor(64, options.repetitions), measure_tensor(512, options.repetitions),
                  measure_state(options.directory, options.repetitions)):
        passed.append(attempt(lambda: passed.extend(map(attempt, group))))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
