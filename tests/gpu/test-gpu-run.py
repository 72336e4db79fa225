#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether "run" counts what the tests on a GPU print, and says what it cannot do: test-gpu-run.py RUN BUILD."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

RUN, BUILD = sys.argv[1:]
NO_GPU = {**os.environ, "PATH": "/nowhere"}

PROGRAMS = {
    "passes": "printf 'ok 1 /a\\nok 2 /b\\n1..2\\n'",
    "fails": "printf 'ok 1 /a\\nnot ok 2 /b\\n1..2\\n'; exit 1",
    "crashes": "printf 'ok 1 /a\\n'; echo 'a last word' >&2; kill -SEGV $$",
    "skips": "echo '1..0 # SKIP there is no NVIDIA driver'; exit 77",
    "skips-one": "printf 'ok 1 /a # SKIP needs two GPUs\\nok 2 /b\\n1..2\\n'",
    "says-nothing": "exit 0",
}


def run(*arguments, environment=None):
    done = subprocess.run([sys.executable, RUN, *map(str, arguments)], capture_output=True, text=True, timeout=110,
                          env=environment)
    return done.returncode, done.stdout, done.stderr


def make_build(directory, names):
    """A build whose programs are scripts."""
    for folder in ("tests/cuda", "tests/gpu"):
        (directory / folder).mkdir(parents=True)
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
        make_build(self.directory / "build", names)
        code, output, errors = run("--emulated", "--checks-only", "--build", self.directory / "build")
        self.assertEqual((output.splitlines()[-1], code, errors), (last, status, ""), output)
        for line in said:
            self.assertIn(line, output)

    def test_passed(self):
        self.check(["passes"], "2 passed, 0 failed, 0 skipped", 0, "passes: 2 passed")

    def test_failed(self):
        self.check(["passes", "fails"], "3 passed, 1 failed, 0 skipped", 1, "FAILED   fails /b")

    def test_crashed(self):
        self.check(["crashes", "passes"], "3 passed, 1 failed, 0 skipped", 1, "FAILED   crashes: status -11: a last word")

    def test_skipped(self):
        self.check(["skips", "skips-one"], "1 passed, 0 failed, 2 skipped", 0,
                   "skipped  skips: there is no NVIDIA driver\n", "skipped  skips-one /a: needs two GPUs\n")

    def test_nothing_passed(self):
        self.check(["skips"], "0 passed, 0 failed, 1 skipped", 1)

    def test_silent(self):
        self.check(["says-nothing"], "0 passed, 1 failed, 0 skipped", 1, "says-nothing: it has no tests")

    def test_log(self):
        make_build(self.directory / "build", ["fails"])
        run("--emulated", "--checks-only", "--build", self.directory / "build", "--log", self.directory / "log")
        self.assertIn("not ok 2 /b", (self.directory / "log").read_text())

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

    def test_a_gpu(self):
        """With one that nvidia-smi lists, what a bundle has is run, and nothing is built."""
        make_build(self.directory / "bundle", ["passes"])
        smi = self.directory / "nvidia-smi"
        smi.write_text("#!/bin/sh\necho 'A GPU, 580.1, 80 GB'\n")
        smi.chmod(0o755)
        code, output, errors = run("--bundle", self.directory / "bundle", "--checks-only",
                                   environment={**os.environ, "PATH": str(self.directory)})
        self.assertEqual((code, errors), (0, ""))
        self.assertTrue(output.startswith("GPU: A GPU, 580.1, 80 GB\n") and output.endswith("2 passed, 0 failed, 0 skipped\n"),
                        output)

    def test_emulated(self):
        """The real tests; few of them, since each is a test of its own, too."""
        only = ["--only=test-cuda-strided", "--only=test-cuda-streams"]
        code, output, errors = run("--emulated", "--checks-only", "--build", BUILD, *only)
        self.assertEqual((code, errors), (0, ""), output)
        self.assertRegex(output.splitlines()[-1], r"^([4-9]|[1-9]\d) passed, 0 failed, 0 skipped$")
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


main()
