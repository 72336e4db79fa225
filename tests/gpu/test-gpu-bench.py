#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether bench-gpu measures all that "run" makes ratios of: test-gpu-bench.py RUN BENCH. SNG_PLUGIN_DIR names the plug-in."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile

OURS = {"read", "copy", "to-host", "fingerprint", "summary", "save"}  # the other names are those of torch-peers.py
PROGRAM, BENCH = sys.argv[1:]


def load(path):
    loader = importlib.machinery.SourceFileLoader("gpu_run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_run", loader))
    loader.exec_module(module)
    return module


def find_missing(wanted, figures):
    return sorted(key for key in wanted if key[0] in OURS and key not in figures)


def main():
    sys.dont_write_bytecode = True
    run = load(PROGRAM)
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([BENCH, "--small", "--repetitions=2", directory], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done
    figures = {}
    for line in done.stdout.splitlines():
        figure = json.loads(line)
        key = figure["name"], figure["case"]
        assert key[0] in OURS and key not in figures, line
        assert figure["bytes"] > 0 and figure["host_seconds"] > 0 and figure.get("seconds", 1) > 0, line
        figures[key] = figure

    # Both sides of a ratio by the same clock.
    for ratio in run.RATIOS:
        for key in {ratio.ours, ratio.peer} & set(figures):
            assert ratio.clock in figures[key], ratio
    assert "seconds" in figures["copy", "512 MiB"]

    # What the functions beside RATIOS ask for.
    wanted = {key for ratio in run.RATIOS for key in (ratio.ours, ratio.peer)}
    wanted |= {("fingerprint", "100 x 4 KiB"), ("copy", "512 MiB"), ("summary", "state")}
    assert all(ratio.ours[0] in OURS for ratio in run.RATIOS)
    assert find_missing(wanted, figures) == []
    # One that is not there is found.
    assert find_missing(wanted | {("fingerprint", "7 MiB")}, figures) == [("fingerprint", "7 MiB")]
    for key in set(figures) & wanted:
        assert find_missing(wanted, set(figures) - {key}) == [key]


print("1..1")
main()
print("ok 1 /sng/gpu/bench")
