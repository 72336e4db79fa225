#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether "run" counts what the tests on a GPU print, says what it cannot do, and loses nothing of what it has where a part
fails or hangs: test-gpu-run.py RUN BUILD."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

RUN, BUILD = sys.argv[1:]
FAKE = pathlib.Path(__file__).with_name("fake-programs.py")
TEMPORARY = tempfile.TemporaryDirectory(prefix="test-gpu-run-")
ENVIRONMENT = {**os.environ, "TMPDIR": TEMPORARY.name}  # for the logs
NO_GPU = {**ENVIRONMENT, "PATH": "/nowhere"}

# RUN with limits of its own.
LIMITED = """
import importlib.machinery, importlib.util, json, sys
run, limits = sys.argv[1:3]
sys.argv = [run, *sys.argv[3:]]
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("gpu_run", run)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_run", loader))
loader.exec_module(module)
module.LIMITS.update(json.loads(limits))
sys.exit(module.main())
"""

# A program of GLib that is ended in the middle of its second case of four; alone, the third one fails.
ENDED = """case "$*" in
  *-l*) printf '# random seed: 1\\n/a\\n/a/b\\n/c\\n/d\\n' ;;
  *'-p /a/b'*) END ;;
  *'-p /c'*) printf 'not ok 1 /c\\n1..1\\n'; exit 1 ;;
  *'-p /d'*) printf 'ok 1 /d\\n1..1\\n' ;;
  *) printf 'ok 1 /a\\n'; END ;;
esac"""

PROGRAMS = {
    "passes": "printf 'ok 1 /a\\nok 2 /b\\n1..2\\n'",
    "fails": "printf 'ok 1 /a\\nnot ok 2 /b\\n1..2\\n'; exit 1",
    "crashes": "printf 'ok 1 /a\\n'; echo 'a last word' >&2; kill -SEGV $$",
    "aborts": ENDED.replace("END", "echo 'why' >&2; kill -ABRT $$"),
    "hangs": ENDED.replace("END", 'sleep 100 & echo $! >> "$PIDS"; wait'),
    "passes-alone": ENDED.replace("/a/b'*) END", "/a/b'*) echo ok 1 /a/b").replace("not ok 1", "ok 1").replace("exit 1", "exit 0")
    .replace("END", "kill -ABRT $$"),
    "falls-back": """printf '# sng-DEBUG: [cuda][product] cuBLASLt has no way for 3 x 4, and more\\nok 1 /a\\n1..1\\n'
printf '(test:1): sng-DEBUG: 10:00:00: [cuda][product] cuBLASLt has no way for 3 x 4, and more\\n'
printf '(test:1): sng-DEBUG: 10:00:00: [cuda][run] this cannot be recorded, and more\\n'
printf '(test:1): sng-DEBUG: 10:00:00: [cuda][run] this cannot be recorded, and more\\n'
[ "$G_MESSAGES_DEBUG" = sng ]""",
    "skips": "echo '1..0 # SKIP there is no NVIDIA driver'; exit 77",
    "skips-one": "printf 'ok 1 /a # SKIP needs two GPUs\\nok 2 /b\\n1..2\\n'",
    "says-nothing": "exit 0",
}


def run(*arguments, environment=ENVIRONMENT, limits=None):
    program = [RUN] if limits is None else ["-c", LIMITED, RUN, json.dumps(limits)]
    done = subprocess.run([sys.executable, *program, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          env=environment)
    return done.returncode, done.stdout, done.stderr


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def make_build(directory, names):
    """A build, or a bundle, whose programs are scripts."""
    for name in ("tests/gpu/bench-gpu", "tests/bench/bench-worker", "sng/cli/sng", "python", "bin/nvidia-smi"):
        program = directory / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
        program.chmod(0o755)
    (directory / "tests" / "cuda").mkdir()
    for name in names:
        program = directory / "tests" / "cuda" / name
        program.write_text(f"#!/bin/sh\n{PROGRAMS[name]}\n")
        program.chmod(0o755)
    (directory / "tests" / "gpu" / "programs").write_text("\n".join(names))


class Run(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="test-gpu-run-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def check(self, names, last, status, *said):
        make_build(self.directory / "bundle", names)
        code, output, errors = self.run_bundle("--checks-only", limits={"case": 1, "check": 2})
        self.assertEqual((output.splitlines()[-1], code, errors), (last, status, ""), output)
        for line in said:
            self.assertIn(line, output)

    def run_bundle(self, *arguments, faults="", limits=None):
        bundle = self.directory / "bundle"
        return run("--bundle", bundle, "--python", bundle / "python", *arguments, limits=limits,
                   environment={**ENVIRONMENT, "FAULTS": faults, "PIDS": str(self.directory / "pids"),
                                "PATH": f"{bundle / 'bin'}:{os.environ['PATH']}"})

    def measure(self, faults, status, *said, limits=None):
        """All of it with planted faults: what is printed, with these lines in it."""
        make_build(self.directory / "bundle", ["passes"])
        code, output, errors = self.run_bundle(faults=faults, limits=limits)
        self.assertEqual((code, errors), (status, ""), output)
        for line in said:
            self.assertRegex(output, line)
        return output

    def test_passed(self):
        self.check(["passes"], "6 passed, 0 failed, 0 skipped", 0, "passes: 2 passed")

    def test_failed(self):
        self.check(["passes", "fails"], "7 passed, 1 failed, 0 skipped", 1, "FAILED   fails /b")

    def test_crashed(self):
        self.check(["crashes", "passes"], "7 passed, 1 failed, 0 skipped", 1, "FAILED   crashes: status -11: a last word")

    def test_skipped(self):
        self.check(["skips", "skips-one"], "5 passed, 0 failed, 2 skipped", 0,
                   "skipped  skips: there is no NVIDIA driver\n", "skipped  skips-one /a: needs two GPUs\n")

    def test_nothing_passed(self):
        make_build(self.directory / "bundle", ["skips"])
        code, output, _ = self.run_bundle("--checks-only", "--only=skips")
        self.assertEqual((output.splitlines()[-1], code), ("0 passed, 0 failed, 1 skipped", 1))

    def test_silent(self):
        self.check(["says-nothing"], "4 passed, 1 failed, 0 skipped", 1, "says-nothing: it has no tests")

    def test_log(self):
        make_build(self.directory / "build", ["fails"])
        for log in self.directory / "log", None:
            _, output, _ = run("--emulated", "--only=fails", "--build", self.directory / "build", *(["--log", log] if log else []))
            name = re.search("^log: (.*)", output, re.M)[1]
            self.assertEqual(name, str(log or name))
            self.assertIn("not ok 2 /b", pathlib.Path(name).read_text())

    def test_no_build(self):
        code, _, errors = run("--emulated", "--checks-only", "--build", self.directory)
        self.assertEqual((code, errors.count("\n")), (2, 1), errors)
        self.assertRegex(errors, "^tests/gpu/run: there is no .*/programs: was it built")

    def test_half_a_build(self):
        make_build(self.directory / "build", ["passes", "fails"])
        (self.directory / "build" / "tests" / "cuda" / "fails").unlink()
        code, output, errors = run("--emulated", "--checks-only", "--build", self.directory / "build")
        self.assertEqual(code, 2, output)
        self.assertIn("fails is missing: was it built?", errors)

    def test_no_gpu(self):
        self.assertEqual(run(environment=NO_GPU),
                         (77, "skipped: there is no NVIDIA GPU here (nvidia-smi lists none)\n", ""))

    def test_aborted(self):
        """What a program did not come to is run case by case, and "/a", which passed, not once more."""
        self.check(["aborts", "passes"], "8 passed, 2 failed, 0 skipped", 1, "FAILED   aborts /a/b: status -6: why\n",
                   "FAILED   aborts /c\n", "aborts: 1 more passed, each by itself\n")

    def test_hangs(self):
        """The case that hangs is not tried again, and nothing of it goes on."""
        self.check(["hangs", "passes"], "8 passed, 2 failed, 0 skipped", 1,
                   "FAILED   hangs /a/b: it took too long, or no time was left\n", "FAILED   hangs /c\n")
        pid, = (self.directory / "pids").read_text().split()
        self.assertFalse(is_alive(pid))

    def test_aborted_once(self):
        self.check(["passes-alone"], "8 passed, 1 failed, 0 skipped", 1, "FAILED   passes-alone: status -6: ok 1 /a\n",
                   "passes-alone: 3 more passed")

    def test_no_time(self):
        """One program takes all the time of the checks; what comes behind them is run."""
        make_build(self.directory / "bundle", ["hangs", "passes"])
        code, output, errors = self.run_bundle("--checks-only", limits={"checks": 2})
        self.assertEqual((output.splitlines()[-1], code, errors), ("5 passed, 2 failed, 0 skipped", 1, ""), output)
        self.assertIn("FAILED   passes: it took too long, or no time was left\n", output)

    def test_fall_backs(self):
        self.check(["falls-back"], "5 passed, 0 failed, 0 skipped", 0,
                   "fall-backs: 1 products without a way of cuBLASLt, 2 recordings given up\n",
                   "   [cuda][product] cuBLASLt has no way for 3 x 4, and more\n")

    def test_demos(self):
        make_build(self.directory / "bundle", ["passes"])
        code, output, _ = self.run_bundle("--checks-only", faults="16-mixed:dies,bf16-mixed:differs,cpu:hangs", limits={"demo": 1})
        self.assertEqual((output.splitlines()[-1], code), ("3 passed, 3 failed, 0 skipped", 1), output)
        for line in ("passed   sng demo --device cuda --precision 32\n",
                     "FAILED   sng demo --device cuda --precision bf16-mixed: status 0: DIFFERENT: 1 metric differs\n",
                     "FAILED   sng demo --device cuda --precision 16-mixed: status -6: a last word\n",
                     "FAILED   sng demo --device cuda --optimizer sgd --resume-device cpu: it took too long"):
            self.assertIn(line, output)

    def test_measured(self):
        """Of each figure a ratio, in one run without an error."""
        output = self.measure("", 0, r"fingerprint 64 MiB / plain read +0.010 +0.010 +1.000  goal <= 1.25 +6711 GB/s\n",
                              r"state's fingerprint / step of 150M +0.010 +1.000 +0.010  goal <= 0.01\n",
                              r"state's summary / step of 150M +0.010 +1.000 +0.010\n",
                              r"step 8M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +2.000 +0.500  goal <= 0.67 +floors: ",
                              r"step 150M-8x1024 bf16-mixed / PyTorch compile +1.000 +2.000 +0.500  goal <= 1.00 +floors: ",
                              r"\n(1\d|2\d) passed, 0 failed, 0 skipped\n")
        self.assertTrue(output.startswith("GPU: A GPU, 580.1, 80 GB\nlog: "), output)
        self.assertNotRegex(output, r"MISSED|FAILED| -  goal")

    def test_bench_fails(self):
        for fault in "dies", "hangs":
            self.measure(f"bench-gpu:{fault}", 1, r"fingerprint 64 MiB / plain read +0.010 +0.010 +1.000",
                         r"state's fingerprint / torch.hash_tensor +- +0.010 +-  goal", "FAILED   bench-gpu: ",
                         r"step 150M-8x1024 bf16-mixed / PyTorch compile +1.000 +2.000 +0.500", limits={"bench": 2})
            self.setUp()

    def test_peers_fail(self):
        for fault in "dies", "hangs":
            self.measure(f"torch-peers.py:{fault}", 1, r"fingerprint 64 MiB / torch.hash_tensor +0.010 +0.010 +1.000",
                         r"state's fingerprint / copy to the host +0.010 +- +-  goal", "FAILED   torch-peers.py: ",
                         r"step 150M-8x1024 bf16-mixed / PyTorch compile +1.000 +2.000 +0.500", limits={"peers": 2})
            self.setUp()

    def test_side_fails(self):
        """The other side has its figure, and the other cases and passes both."""
        self.measure("sdpa@8M:dies,compile@150M:dies,libsng:none", 1,
                     r"step 8M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +- +-  goal",
                     "FAILED   step 8M-8x1024 bf16-mixed sdpa: ended with status -6: a last word",
                     r"step 150M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +2.000 +0.500",
                     r"step 8M-8x1024 bf16-mixed / PyTorch compile +1.000 +2.000 +0.500",
                     r"step 150M-8x1024 bf16-mixed / PyTorch compile +1.000 +- +-  goal",
                     "FAILED   step 150M-8x1024 bf16-mixed compile: ended")

    def test_libsng_fails(self):
        self.measure("libsng@8M:dies", 1, r"step 8M-8x1024 bf16-mixed / PyTorch sdpa +- +2.000 +-  goal",
                     "FAILED   step 8M-8x1024 bf16-mixed libsng: ended with status -6: a last word",
                     r"step 150M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +2.000 +0.500")

    def test_unlike(self):
        output = self.measure("sdpa@150M:is-unlike", 1,
                              r"step 150M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +2.000 +0.500 +UNLIKE WORK",
                              r"FAILED   step 150M-8x1024 bf16-mixed sdpa: the loss of step 1 is 3.5\d+ in libsng, 4.0")
        self.assertEqual(output.count("UNLIKE"), 1)

    def test_side_hangs(self):
        """What was done when the time ended is printed, and the other pass is made."""
        self.measure("sdpa@150M:hangs,compile@8M:hangs", 1, r"step 8M-8x1024 bf16-mixed / PyTorch sdpa +1.000 +2.000 +0.500",
                     "FAILED   bench-pytorch sdpa: it took too long", "FAILED   bench-pytorch compile: it took too long",
                     limits={"sdpa": 6, "compile": 3})

    def test_emulated(self):
        """The real tests; few of them, since each is a test of its own, too."""
        only = ["--only=test-cuda-strided", "--only=test-cuda-streams"]
        code, output, errors = run("--emulated", "--checks-only", "--build", BUILD, *only)
        self.assertEqual((code, errors), (0, ""), output)
        self.assertRegex(output.splitlines()[-1], r"^([4-9]|[1-9]\d) passed, 0 failed, 0 skipped$", output)
        self.assertEqual(len(re.findall(r"^ +test-cuda-\S+: \d+ passed$", output, re.M)), 2, output)

        code, _, errors = run("--emulated", "--checks-only", "--build", BUILD, "--only=test-cuda-failures")
        self.assertEqual(code, 2, "what needs the emulator is not run on a GPU")
        self.assertIn("there is no test-cuda-failures among the tests", errors)


def main():
    tests = list(unittest.defaultTestLoader.loadTestsFromTestCase(Run))
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        result = test.run()
        for _, text in result.failures + result.errors:
            print(text, file=sys.stderr)
        print(f"{'ok' if result.wasSuccessful() else 'not ok'} {number} /sng/gpu/run/{test.id().split('test_')[-1]}")


with TEMPORARY:
    main()
