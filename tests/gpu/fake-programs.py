# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What "run" starts, without a GPU: test-gpu-run.py copies this file under the names of the programs.  As a Python with PyTorch
it runs bench-pytorch.py as it is, and is torch-peers.py and pytorch-worker.py itself.

FAULTS in the environment plants them, as "NAME:FAULT,…": a program of that name, or "sdpa" or "compile", dies in the middle of
its work, hangs there, or (a side) trains something else; with "NAME@CASE" a side does so in that case only."""

import json
import os
import pathlib
import signal
import sys
import time

NAME = pathlib.Path(sys.argv[0]).name
FAULTS = dict(fault.split(":") for fault in filter(None, os.environ.get("FAULTS", "").split(",")))
HAS_BUNDLE = "bundle/lib" in os.environ.get("LD_LIBRARY_PATH", "")
STATE = [("fingerprint", "state"), ("summary", "state"), ("to-host", "state"), ("save", "state")]
FIGURES = {
    "bench-gpu": [(name, case) for case in ("64 MiB", "4 x 64 MiB", "512 MiB")
                  for name in ("read", "copy", "fingerprint", "summary")] + [("fingerprint", "100 x 4 KiB")] + STATE,
    "torch-peers.py": [("product", "bf16"), ("hash_tensor", "64 MiB"), ("cpu", "64 MiB"), ("hash_tensor", "512 MiB"),
                       ("cpu", "512 MiB"), ("hash_tensor", "state"), ("cpu", "state"), ("torch.save", "state")],
}


def fail(*names):
    faults = {FAULTS[name] for name in names if name in FAULTS}
    if "hangs" in faults:
        time.sleep(100)
    if "dies" in faults:
        print("a last word", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
    return "is-unlike" in faults


def measure(name):
    keys = FIGURES[name]
    for i, (what, case) in enumerate(keys):
        if i == len(keys) // 2:
            print('{"name": "read", "ca', end="", flush=True)  # begun, and never ended by who fails here
            fail(name)
            print(flush=True)
        print(json.dumps({"name": what, "case": case, "bytes": 1 << 26, "seconds": 1e-5, "host_seconds": 1e-5,
                          "operations": 1 << 40}), flush=True)


def train(side, case):
    if side != "libsng":
        print("loaded", flush=True)
        sys.stdin.readline()
    print("ready", flush=True)
    for line in sys.stdin:
        word, n = line.split()  # a GPU's side is not asked for its memory
        assert word == "step", line
        is_unlike = fail(side, f"{side}@{case}")
        for _ in range(int(n)):
            print(4.0 if is_unlike else 3.5, 1e-3 if side == "libsng" else 2e-3, 1e-3, flush=True)


def main():
    script = next((pathlib.Path(argument).name for argument in sys.argv[1:] if argument.endswith(".py")), None)
    case = "150M" if "--layers=30" in sys.argv else "8M"
    if HAS_BUNDLE != (NAME in ("bench-gpu", "bench-worker", "sng")):
        sys.exit(f"{NAME} {'has' if HAS_BUNDLE else 'lacks'} the bundle's libraries")
    if NAME == "nvidia-smi":
        print("A GPU, 580.1, 80 GB")
    elif NAME == "sng":
        fail(" ".join(sys.argv[-1:]))
        print("metric\nPASS: 20 metrics" if FAULTS.get(sys.argv[-1]) != "differs" else "DIFFERENT: 1 metric differs")
    elif NAME == "bench-worker":
        train("libsng", case)
    elif script == "pytorch-worker.py":
        train("compile" if "--compile" in sys.argv else "sdpa", case)
    elif script == "bench-pytorch.py":
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    elif script or NAME == "bench-gpu":
        measure(script or NAME)


main()
