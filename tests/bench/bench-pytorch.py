#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures training steps of libsng against PyTorch in one run.

For each case processes train the same ESM-2 without dropout from the same weights on the same batches: libsng, and
transformers' EsmForMaskedLM.  On the processor that is its eager mode with two kinds of attention ("sdpa" and "eager"), of
which the faster one counts; on a GPU (--device cuda) the eager mode with "sdpa", and then, beside libsng once more, the same
under torch.compile ("compile"), with goals for each.  A step zeroes the gradients and does forward, loss, backward and AdamW,
and ends when all of it is done and the loss is on the host.  On a GPU PyTorch's batches lie there already; libsng packs and
uploads its own in each step.  The sides take turns, in another order each round, and
the figures are medians over all steps but those of the first turn; so what else the machine does meets all of them.

A process that waits sleeps: it is blocked on its input.  After its last parallel region OpenMP spins for some
milliseconds, so each turn begins SETTLE seconds after the one before it.  Within a turn every side waits as its defaults say,
or, with --passive, OpenMP's threads sleep: on a busy machine they would spin against others' work.

Memory is the peak of the resident set over training less what was resident before there was a model (all libraries
loaded), and, in brackets, the peak as such; "-" where the system does not count it.  Processor time is that of all threads.

The losses of the first steps must agree: unlike work is marked, and meets no goal; --check tries that with planted faults.  A
side that fails is left out, and the others are measured all the same."""

import argparse
import collections
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
PASSES = {"cpu": [("sdpa", "eager")], "cuda": [("sdpa",), ("compile",)]}  # beside libsng, the most important ones first
GOALS = {"sdpa": 1 / 1.5, "compile": 1.0}  # on a GPU, of libsng's time as a share of the other side's
BATCHES = {"cpu": 1, "cuda": 4}  # that take turns, so that no cache holds one
FIND_MODULES = """import importlib.util, sys
missing = [name for name in ("safetensors", "torch", "transformers") if not importlib.util.find_spec(name)]
sys.exit(f"it has no {', '.join(missing)}" if missing else 0)"""
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

# Medians of a side: seconds of a step and of all its threads; MB, or None on a GPU or where the system does not count them
Figures = collections.namedtuple("Figures", "wall processor growth peak")


class Failure(Exception):
    """A side cannot be measured."""


class Worker:
    """One side of a case, in a process of its own."""

    def __init__(self, side, command, environment):
        self.side = side
        self.stderr = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr,
                                        text=True, bufsize=1, env=environment)
        self.losses, self.wall, self.processor = [], [], []

    def end(self):
        self.process.kill()
        self.process.wait()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"ended with status {self.process.wait()}: {' '.join(self.read_errors().splitlines()[-1:])}")
        return line.strip()

    def read_errors(self):
        self.stderr.seek(0)
        return self.stderr.read().strip()

    def read_numbers(self):
        line = self.read()
        try:
            return list(map(float, line.split()))
        except ValueError:
            raise Failure(f"said {line!r}") from None

    def expect(self, word):
        line = self.read()
        if line != word:
            raise Failure(f"said {line!r} for {word!r}")

    def ask(self, line):
        with contextlib.suppress(BrokenPipeError):  # read() has the reason
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def start(self):
        self.ask("start")
        self.expect("ready")

    def give_up(self):
        raise Failure("has nothing to train without libsng")

    def plant(self, fault):
        """Starts again from the first step, with a fault."""
        self.ask(f"plant {fault}")
        self.losses, self.wall, self.processor = [], [], []

    def step(self, n_steps):
        time.sleep(SETTLE)
        self.ask(f"step {n_steps}")
        for _ in range(n_steps):
            loss, wall, processor = self.read_numbers()
            self.losses.append(loss)
            self.wall.append(wall)
            self.processor.append(processor)

    def memory(self):
        """Growth and peak in MB, or None for both."""
        self.ask("memory")
        start, peak = self.read_numbers()
        return ((peak - start) * 1024 / 1e6, peak * 1024 / 1e6) if peak > 0 else (None, None)

    def get_figures(self, memory):
        return Figures(statistics.median(self.wall[FIRST_STEPS:]), statistics.median(self.processor[FIRST_STEPS:]), *memory)


class Team:
    """The sides of a case: PyTorch's, whose libraries load from here on, and libsng, which writes what they read and comes first
    from begin() on.  One that fails is left out from then on."""

    def __init__(self, options, case, precision, others):
        layers, hidden, heads, sequences, tokens, padded = case
        self.directory = tempfile.TemporaryDirectory(prefix="sng-bench-")
        shared = [f"--layers={layers}", f"--hidden={hidden}", f"--heads={heads}", f"--tokens={tokens}",
                  f"--threads={options.threads}", f"--precision={precision}", self.directory.name]
        self.environment = dict(os.environ, **({"OMP_WAIT_POLICY": "passive"} if options.passive else {}))
        self.libraries = {"LD_LIBRARY_PATH": options.library_path} if options.library_path is not None else {}
        self.ours = [options.build / "tests" / "bench" / "bench-worker", f"--sequences={sequences}",
                     f"--batches={BATCHES[options.device]}", *["--padded"] * padded,
                     *[f"--device={options.device}"] * (options.device != "cpu"), *shared]
        other = [options.python, pathlib.Path(__file__).with_name("pytorch-worker.py"), f"--device={options.device}"]
        self.workers = [Worker(side, other + OPTIONS[side] + shared, self.environment) for side in others]
        self.failures = {}

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        for worker in self.workers:
            worker.end()
        self.workers = []
        self.directory.cleanup()

    def each(self, workers, work):
        """What the work returned by side, for those that did not fail."""
        results = {}
        for worker in [worker for worker in workers if worker in self.workers]:
            try:
                results[worker.side] = work(worker)
            except Failure as failure:
                self.failures[worker.side] = str(failure)
                self.workers.remove(worker)
                worker.end()
                print(f"{worker.side}: {worker.read_errors()}", file=sys.stderr, flush=True)
        return results

    def load(self):
        self.each(self.workers, lambda worker: worker.expect("loaded"))

    def begin(self):
        others = list(self.workers)
        self.workers.insert(0, Worker("libsng", self.ours, {**self.environment, **self.libraries}))
        if "libsng" in self.each(self.workers[:1], lambda worker: worker.expect("ready") or True):
            self.each(others, Worker.start)
        else:
            self.each(others, Worker.give_up)


def find_unlike(workers, tolerance):
    """By side, where the losses of the first steps are not libsng's."""
    unlike = {}
    ours = next((worker.losses[:FIRST_STEPS] for worker in workers if worker.side == "libsng"), [])
    for other in workers:
        for step, (a, b) in enumerate(zip(ours, other.losses), 1):
            if not abs(a - b) <= tolerance:
                unlike.setdefault(other.side, f"the loss of step {step} is {a:.6f} in libsng, {b:.6f} with {other.side}")
    return unlike


def measure(options, team, precision):
    """Figures by side, and which sides do unlike work."""
    team.begin()
    team.each(team.workers, lambda worker: worker.step(FIRST_STEPS))
    unlike = find_unlike(team.workers, TOLERANCES[options.device][precision])
    orders = itertools.cycle(itertools.permutations(team.workers))
    for _, order in zip(range(options.rounds), orders):
        team.each(order, lambda worker: worker.step(options.steps))
    memory = Worker.memory if options.device == "cpu" else lambda worker: (None, None)
    return team.each(team.workers, lambda worker: worker.get_figures(memory(worker))), unlike


def show(value, width, digits):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def divide(a, b):
    return None if a is None or b is None else a / b


def print_head(options):
    goal = ("libsng / the faster PyTorch, goal <= 1.00" if options.device == "cpu"
            else "libsng / PyTorch, goals " + ", ".join(f"{side} <= {goal:.2f}" for side, goal in GOALS.items()))
    print(f"a training step on {options.device}, {options.threads} threads, medians of {options.rounds} rounds of"
          f" {options.steps} steps; ratios are {goal}")
    if options.device == "cuda":
        print(f"{'ESM-2':16} {'precision':10} {'PyTorch':8} {'libsng':>8} {'PyTorch':>8} {'ratio':>7}   ms")
        return
    print(f"{'':27} {'libsng':>8} {'sdpa':>8} {'eager':>8} {'ratio':>7} {'ratio':>7} {'libsng':>14} {'PyTorch':>14}"
          f" {'ratio':>7}")
    print(f"{'ESM-2':16} {'precision':10} {'ms':>8} {'ms':>8} {'ms':>8} {'time':>7} {'proc.':>7}"
          f" {'MB growth peak':>14} {'MB growth peak':>14} {'memory':>7}")


NOTHING = Figures(None, None, None, None)


def get_milliseconds(figures, side):
    return 1e3 * figures[side].wall if side in figures else None


def print_cpu_case(name, precision, others, figures):
    """Whether the goals are met."""
    peers = [figures[side] for side in others if side in figures]
    ours, fast = figures.get("libsng", NOTHING), min(peers, key=lambda peer: peer.wall, default=NOTHING)
    time_ratio, memory_ratio = divide(ours.wall, fast.wall), divide(ours.growth, fast.growth)
    milliseconds = " ".join(show(get_milliseconds(figures, side), 8, 1) for side in ("libsng", *PASSES["cpu"][0]))
    memory = " ".join(f"{show(side.growth, 6, 0)} ({show(side.peak, 5, 0)})" for side in (ours, fast))
    processor = divide(ours.processor, min((peer.processor for peer in peers), default=None))
    print(f"{name:16} {precision:10} {milliseconds} {show(time_ratio, 7, 2)} {show(processor, 7, 2)} {memory}"
          f" {show(memory_ratio, 7, 2)}", flush=True)
    return time_ratio is not None and max(time_ratio, memory_ratio or 0) <= 1


def print_gpu_case(name, precision, others, figures):
    """Whether the goal is met."""
    side, = others
    ours, other = get_milliseconds(figures, "libsng"), get_milliseconds(figures, side)
    ratio = divide(ours, other)
    print(f"{name:16} {precision:10} {side:8} {show(ours, 8, 2)} {show(other, 8, 2)} {show(ratio, 7, 2)}", flush=True)
    return ratio is not None and ratio <= GOALS[side]


def write_results(path, results):
    """For other programs, which may end this one: there is always a whole file."""
    written = path.with_name(path.name + ".new")
    written.write_text(json.dumps(results, indent=2) + "\n")
    written.replace(path)


def make_teams(options):
    """Each case and precision of each pass.  On a GPU all of them at once: there their libraries load side by side, and before
    anything is measured."""
    plan = [(name, precision, [side for side in others if side in options.against])
            for others in PASSES[options.device] for name, precision in itertools.product(options.cases, options.precisions)]
    plan = [entry for entry in plan if entry[2]]
    with contextlib.ExitStack() as stack:
        teams = (stack.enter_context(Team(options, CASES[name], precision, others)) for name, precision, others in plan)
        if options.device != "cpu":
            teams = list(teams)
            for team in teams:
                team.load()
        for entry, team in zip(plan, teams):
            with team:
                if options.device == "cpu":
                    team.load()
                yield *entry, team


def compare(options):
    behind, results = [], []
    print_head(options)
    for name, precision, others, team in make_teams(options):
        figures, unlike = measure(options, team, precision)
        met = (print_cpu_case if options.device == "cpu" else print_gpu_case)(name, precision, others, figures)
        problems = [f"unlike work: {why}" for why in unlike.values()] + [f"{side}: {why}" for side, why in team.failures.items()]
        for problem in problems:
            print(f"{name:16} {precision:10} {problem}", flush=True)
        if not met or problems:
            behind.append(f"{name} {precision} {'' if options.device == 'cpu' else others[0]}".rstrip())
        results.append({"case": name, "precision": precision, "shape": CASES[name][:5],
                        "seconds": {side: side_figures.wall for side, side_figures in figures.items()},
                        "failed": team.failures, "unlike": unlike})
        if options.json is not None:
            write_results(options.json, results)
    print("goal missed: " + (", ".join(behind) or "nowhere"))
    return 0


def check_faults(options, precision):
    """The faults, and what was said about each of them."""
    with Team(options, CHECK_CASE, precision, ["sdpa"]) as team:
        team.load()
        team.begin()
        for side, why in team.failures.items():
            raise Failure(f"{side}: {why}")
        ours, other = team.workers
        ours.step(FIRST_STEPS)
        for fault in FAULTS:
            other.plant(fault)
            other.step(FIRST_STEPS)
            yield fault, find_unlike(team.workers, TOLERANCES[options.device][precision]).get("sdpa")


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
    parser.add_argument("--device", choices=PASSES, default="cpu", help="where all sides compute (%(default)s)")
    parser.add_argument("--against", action="append", choices=OPTIONS,
                        help="of PyTorch's sides; more than once; all of the device without it")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the medians there, too, after each case")
    parser.add_argument("--library-path", metavar="PATHS", help="LD_LIBRARY_PATH for libsng's side alone")
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
    sides = list(itertools.chain(*PASSES[options.device]))
    if not set(options.against or []) <= set(sides):
        parser.error(f"on {options.device} there are {' and '.join(sides)}")
    options.against = options.against or sides
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
    # Only looked for: to import them takes long.
    done = subprocess.run([options.python, "-c", FIND_MODULES], capture_output=True, text=True)
    if done.returncode != 0:
        return f"{options.python} cannot measure PyTorch: {' '.join(done.stderr.strip().splitlines()[-1:])}"
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
