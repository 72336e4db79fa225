# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of the figures of bench-gpu.c, one JSON object a line: torch.hash_tensor, what the original does (a copy of
every tensor to the host), torch.save, and the rate of a large matrix product, which is the ceiling of operations."""

import argparse
import json
import os
import pathlib
import statistics
import time

import torch

MEBIBYTE = 1 << 20


def measure(name, case, n_bytes, work, repetitions, **more):
    """Medians by events on the stream, and by the host's clock until all is done."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    work(0)
    on_stream, on_host = [], []
    for i in range(repetitions):
        torch.cuda.synchronize()
        before = time.monotonic()
        begin.record()
        work(i + 1)
        end.record()
        torch.cuda.synchronize()
        on_host.append(time.monotonic() - before)
        on_stream.append(begin.elapsed_time(end) / 1e3)
    print(json.dumps({"name": name, "case": case, "bytes": n_bytes, "seconds": statistics.median(on_stream),
                      "host_seconds": statistics.median(on_host), **more}), flush=True)


def measure_hash(mebibytes, repetitions):
    n_bytes = mebibytes * MEBIBYTE
    tensors = [torch.rand(n_bytes // 4, device="cuda") for _ in range(4)]
    measure("hash_tensor", f"{mebibytes} MiB", n_bytes, lambda i: torch.hash_tensor(tensors[i % 4]), repetitions)
    measure("cpu", f"{mebibytes} MiB", n_bytes, lambda i: tensors[i % 4].cpu(), min(repetitions, 10))


def make_state(layers, hidden):
    """As many tensors and bytes as make_state() of bench-gpu.c has."""
    sizes = [hidden * hidden] * 4 + [4 * hidden * hidden] * 2 + [hidden] * 8 + [4 * hidden, hidden]
    return {f"{i:04}": torch.rand(sizes[i % len(sizes)], device="cuda") for i in range(3 * layers * len(sizes))}


def save(state, path):
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def measure_state(state, directory, repetitions):
    n_bytes = sum(4 * tensor.numel() for tensor in state.values())
    measure("hash_tensor", "state", n_bytes, lambda _: [torch.hash_tensor(t) for t in state.values()], repetitions)
    measure("cpu", "state", n_bytes, lambda _: [t.cpu() for t in state.values()], min(repetitions, 5))
    measure("torch.save", "state", n_bytes, lambda _: save(state, directory / "state.pt"), min(repetitions, 5))


def measure_product(n, repetitions):
    a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    measure("product", "bf16", 6 * n * n, lambda _: a @ b, repetitions, operations=2 * n ** 3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=50)
    options = parser.parse_args()
    measure_product(8192, min(options.repetitions, 20))
    for mebibytes in (64, 512):
        measure_hash(mebibytes, options.repetitions)
    measure_state(make_state(30, 640), options.directory, options.repetitions)


if __name__ == "__main__":
    main()
