#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures training steps of libsng against PyTorch in one run.

For each case three processes train the same ESM-2 without dropout from the same weights on the same batches: libsng, and
transformers' EsmForMaskedLM.  On the processor that is its eager mode with two kinds of attention ("sdpa" and "eager"), of
which the faster one counts; on a GPU (--device cuda) the eager mode with "sdpa", and the same under torch.compile
("compile"), with goals for each.  A step zeroes the gradients and does forward, loss, backward and AdamW, and ends when the
loss is on the host.  The three take turns, in another order each round, and
the figures are medians over all steps but those of the first turn; so what else the machine does meets all of them.

A process that waits sleeps: it is blocked on its input.  After its last parallel region OpenMP spins for some
milliseconds, so each turn begins SETTLE seconds after the one before it.  Within a turn every side waits as its defaults say,
or, with --passive, OpenMP's threads sleep: on a busy machine they would spin against others' work.

Memory is the peak of the resident set over training less what was resident before there was a model (all libraries
loaded), and, in brackets, the peak as such.  Processor time is that of all threads.

The losses of the first steps must agree, so that unlike work is not compared; --check tries that with planted faults."""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SETTLE = 0.05
FIRST_STEPS = 3
# Of the losses of the first steps. A GPU sums in other orders, and is given larger models.
TOLERANCES = {"cpu": {"32": 1e-5, "bf16-mixed": 2e-3}, "cuda": {"32": 1e-4, "bf16-mixed": 1e-2}}
OPTIONS = {"sdpa": ["--attention=sdpa"], "eager": ["--attention=eager"], "compile": ["--attention=sdpa", "--compile"]}
SIDES = {"cpu": ("libsng", "sdpa", "eager"), "cuda": ("libsng", "sdpa", "compile")}
GOALS = {"sdpa": 1 / 1.5, "compile": 1.0}  # on a GPU, of libsng's time as a share of the other side's
BATCHES = {"cpu": 1, "cuda": 4}  # that take turns, so that no cache holds one
FAULTS = ("none", "learning-rate", "labels", "tokens")  # that pytorch-worker.py can plant

# name: layers, hidden size, heads, sequences, tokens, padded
CASES = {
    "3x128-2x512": (3, 128, 4, 2, 512, False),
    "3x128-2x1024": (3, 128, 4, 2, 1024, False),
    "8M-2x512": (6, 320, 20, 2, 512, False),
    "8M-8x256": (6, 320, 20, 8, 256, False),
    "8M-8x256-padded": (6, 320, 20, 8, 256, True),
    "8M-8x1024": (6, 320, 20, 8, 1024, False),
    "150M-8x1024": (30, 640, 20, 8, 1024, False),
}
DEFAULT_CASES = {"cpu": [name for name in CASES if "8x1024" not in name], "cuda": ["8M-8x1024", "150M-8x1024"]}
CHECK_CASE = (2, 64, 4, 2, 64, True)


class Failure(Exception):
    """A case cannot be measured."""


class Unlike(Failure):
    """The sides do not train the same."""


class Worker:
    """One side of a case, in a process of its own."""

    def __init__(self, side, command, environment):
        self.side = side
        self.stderr = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr,
                                        text=True, bufsize=1, env=environment)
        self.losses, self.wall, self.processor = [], [], []
        if self.read() != "ready":
            raise Failure(f"{side}: is not ready")

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.process.kill()
        self.process.wait()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.stderr.seek(0)
            raise Failure(f"{self.side}: ended with status {status}: {' '.join(self.stderr.read().splitlines()[-1:])}")
        return line.strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def plant(self, fault):
        """Starts again from the first step, with a fault."""
        self.ask(f"plant {fault}")
        self.losses, self.wall, self.processor = [], [], []

    def step(self, n_steps):
        time.sleep(SETTLE)
        self.ask(f"step {n_steps}")
        for _ in range(n_steps):
            loss, wall, processor = map(float, self.read().split())
            self.losses.append(loss)
            self.wall.append(wall)
            self.processor.append(processor)

    def memory(self):
        """Growth and peak in MB."""
        self.ask("memory")
        start, peak = map(int, self.read().split())
        return (peak - start) * 1024 / 1e6, peak * 1024 / 1e6


def check_losses(workers, tolerance):
    ours = workers[0].losses[:FIRST_STEPS]
    for other in workers[1:]:
        for step, (a, b) in enumerate(zip(ours, other.losses), 1):
            if not abs(a - b) <= tolerance:
                raise Unlike(f"unlike work: the loss of step {step} is {a:.6f} in libsng, {b:.6f} with {other.side}")


@contextlib.contextmanager
def start_workers(options, case, precision, sides):
    """The workers of a case, ours first: it writes what the others read."""
    layers, hidden, heads, sequences, tokens, padded = case
    with tempfile.TemporaryDirectory(prefix="sng-bench-") as directory, contextlib.ExitStack() as stack:
        shared = [f"--layers={layers}", f"--hidden={hidden}", f"--heads={heads}", f"--tokens={tokens}",
                  f"--threads={options.threads}", f"--precision={precision}", directory]
        ours = [options.build / "tests" / "bench" / "bench-worker", f"--sequences={sequences}",
                f"--batches={BATCHES[options.device]}"] + ["--padded"] * padded
        other = [options.python, pathlib.Path(__file__).with_name("pytorch-worker.py"), f"--device={options.device}"]
        if options.device != "cpu":
            ours.append(f"--device={options.device}")
        environment = dict(os.environ, OMP_WAIT_POLICY="passive") if options.passive else None
        commands = {side: (ours if side == "libsng" else other + OPTIONS[side]) + shared for side in sides}
        yield [stack.enter_context(Worker(side, commands[side], environment)) for side in sides]


def measure(options, case, precision):
    with start_workers(options, case, precision, SIDES[options.device]) as workers:
        for worker in workers:
            worker.step(FIRST_STEPS)
        check_losses(workers, TOLERANCES[options.device][precision])
        orders = itertools.cycle(itertools.permutations(workers))
        for _, order in zip(range(options.rounds), orders):
            for worker in order:
                worker.step(options.steps)
        return {worker.side: (statistics.median(worker.wall[FIRST_STEPS:]),
                              statistics.median(worker.processor[FIRST_STEPS:]), *worker.memory())
                for worker in workers}


def print_case(name, precision, results):
    wall, processor, growth, peak = zip(*(results[side] for side in SIDES["cpu"]))
    fast = 1 if wall[1] <= wall[2] else 2
    print(f"{name:16} {precision:10} {1e3 * wall[0]:8.1f} {1e3 * wall[1]:8.1f} {1e3 * wall[2]:8.1f}"
          f" {wall[0] / wall[fast]:7.2f} {processor[0] / min(processor[1:]):7.2f}"
          f" {growth[0]:6.0f} ({peak[0]:5.0f}) {growth[fast]:6.0f} ({peak[fast]:5.0f}) {growth[0] / growth[fast]:7.2f}",
          flush=True)
    return max(wall[0] / wall[fast], growth[0] / growth[fast]) <= 1


def print_head(options):
    goal = ("libsng / the faster PyTorch, goal <= 1.00" if options.device == "cpu"
            else "libsng / each, goals " + ", ".join(f"{side} <= {goal:.2f}" for side, goal in GOALS.items()))
    print(f"a training step on {options.device}, {options.threads} threads, medians of {options.rounds} rounds of"
          f" {options.steps} steps; ratios are {goal}")
    if options.device == "cuda":
        print(f"{'ESM-2':16} {'precision':10} {'libsng':>8} {'sdpa':>8} {'compile':>8} {'/ sdpa':>8} {'/ compile':>9}   ms")
        return
    print(f"{'':27} {'libsng':>8} {'sdpa':>8} {'eager':>8} {'ratio':>7} {'ratio':>7} {'libsng':>14} {'PyTorch':>14}"
          f" {'ratio':>7}")
    print(f"{'ESM-2':16} {'precision':10} {'ms':>8} {'ms':>8} {'ms':>8} {'time':>7} {'proc.':>7}"
          f" {'MB growth peak':>14} {'MB growth peak':>14} {'memory':>7}")


def print_gpu_case(name, precision, results):
    wall = {side: result[0] for side, result in results.items()}
    ratios = {side: wall["libsng"] / wall[side] for side in GOALS}
    print(f"{name:16} {precision:10} {1e3 * wall['libsng']:8.2f} {1e3 * wall['sdpa']:8.2f} {1e3 * wall['compile']:8.2f}"
          f" {ratios['sdpa']:8.2f} {ratios['compile']:9.2f}", flush=True)
    return all(ratios[side] <= goal for side, goal in GOALS.items())


def write_results(path, all_results):
    """Seconds of a step by case, precision and side, for other programs."""
    steps = [{"case": name, "precision": precision, "shape": CASES[name][:5],
              "seconds": {side: result[0] for side, result in results.items()}}
             for (name, precision), results in all_results.items()]
    path.write_text(json.dumps(steps, indent=2) + "\n")


def compare(options):
    behind, measured = [], {}
    print_head(options)
    for name, precision in itertools.product(options.cases, options.precisions):
        try:
            results = measured[name, precision] = measure(options, CASES[name], precision)
            if not (print_case if options.device == "cpu" else print_gpu_case)(name, precision, results):
                behind.append(f"{name} {precision}")
        except Failure as failure:
            print(f"{name:16} {precision:10} {failure}", flush=True)
            behind.append(f"{name} {precision}")
    print("goal missed: " + (", ".join(behind) or "nowhere"))
    if options.json is not None:
        write_results(options.json, measured)
    return 0


def check_faults(options, precision):
    """The faults, and what was said about each of them."""
    with start_workers(options, CHECK_CASE, precision, SIDES["cpu"][:2]) as (ours, other):
        ours.step(FIRST_STEPS)
        for fault in FAULTS:
            other.plant(fault)
            other.step(FIRST_STEPS)
            try:
                check_losses([ours, other], TOLERANCES[options.device][precision])
                yield fault, None
            except Unlike as unlike:
                yield fault, unlike


def check(options):
    """TAP: a small case agrees, and each planted fault is found."""
    print(f"1..{len(options.precisions) * len(FAULTS)}")
    number, failed = 0, False
    for precision in options.precisions:
        for fault, found in check_faults(options, precision):
            passed = (found is None) == (fault == "none")
            number, failed = number + 1, failed or not passed
            print(f"# {found or 'the losses agree'}\n{'ok' if passed else 'not ok'} {number}"
                  f" /sng/bench/pytorch/{precision}/{fault}", flush=True)
    return 1 if failed else 0


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def parse_options():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; without one those for the device")
    parser.add_argument("--precision", dest="precisions", action="append", choices=TOLERANCES["cpu"], help="both without it")
    parser.add_argument("--rounds", type=positive, default=10, help="of a turn for each side (%(default)s)")
    parser.add_argument("--steps", type=positive, default=2, help="of a turn (%(default)s)")
    parser.add_argument("--threads", type=positive, default=2, help="of each side (%(default)s)")
    parser.add_argument("--device", choices=SIDES, default="cpu", help="where all sides compute (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the medians there, too")
    parser.add_argument("--passive", action="store_true", help="OpenMP waits asleep, for a machine that does other work")
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="where libsng was built")
    parser.add_argument("--python", type=pathlib.Path, help="has torch, transformers and safetensors;"
                        " BUILD/venv/bin/python, from ./bootstrap torch, without it")
    parser.add_argument("--check", action="store_true", help="only see that unlike work would be found")
    options = parser.parse_args()
    unknown = [case for case in options.cases if case not in CASES]
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if options.check and options.device != "cpu":
        parser.error("--check is for the processor")
    options.cases = options.cases or DEFAULT_CASES[options.device]
    options.precisions = options.precisions or list(TOLERANCES[options.device])
    options.python = options.python or options.build / "venv" / "bin" / "python"
    return options


def find_problem(options):
    """Why nothing can be measured, or None."""
    worker = options.build / "tests" / "bench" / "bench-worker"
    if not worker.exists():
        return f"{worker} is missing: build libsng, or name its build with --build"
    if not options.python.exists():
        return f"{options.python} is missing: ./bootstrap torch makes it, or name a Python with --python"
    done = subprocess.run([options.python, "-c", "import safetensors, torch, transformers"], capture_output=True, text=True)
    if done.returncode != 0:
        return f"{options.python} cannot measure PyTorch: {done.stderr.strip().splitlines()[-1]}"
    return None


def main():
    options = parse_options()
    problem = find_problem(options)
    if problem is not None and options.check:
        print(f"1..0 # SKIP {problem}")
        return 0
    if problem is not None:
        print(f"bench-pytorch: {problem}", file=sys.stderr)
        return 2
    try:
        return check(options) if options.check else compare(options)
    except Failure as failure:
        print(f"bench-pytorch: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
