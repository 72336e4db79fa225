#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pytest plugin and sng.unittest, each in a process of its own, on harnesses that pass and that do not."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import tap

try:
    import pytest
except ImportError:
    pytest = None
try:
    import xdist
except ImportError:
    xdist = None

HEADER = """
import os
import sys
sys.path.insert(0, {tests!r})
import linear
import sng

with open({log!r}, "a") as log:
    log.write("child\\n" if "SNG_CHILD_RUN" in os.environ else "pytest\\n")


class Line(sng.StopAndGoHarness):
    num_steps = 6
    stop_step = 3
    val_check_interval = 2
    forget = None

    def setup(self):
        with open({log!r}, "a") as log:
            log.write("run\\n")

    def setup_model(self, mode):
        model = linear.LinearModel()
        return model, linear.LineData(), linear.Momentum(model.get_parameters()), linear.HalvingLr()

    def restore(self, trainer, checkpoint):
        if self.forget:
            checkpoint.set_state(self.forget, trainer.get_state_registry().lookup(self.forget).get_state())
        trainer.restore(checkpoint)

"""

PASSES = """
class TestLine(Line):
    isolation = sng.Isolation.NONE
"""

DIVERGES = PASSES + """
    forget = "optimizer"
"""

OTHERS = """
def test_before():
    with open(LOG, "a") as log:
        log.write("other\\n")


def test_after():
    test_before()
"""


class Fixture(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.log = self.directory / "log"

    def write(self, text, name="test_line.py"):
        header = HEADER.format(tests=os.path.dirname(os.path.abspath(__file__)), log=str(self.log))
        (self.directory / name).write_text(f"LOG = {str(self.log)!r}\n{header}{text}")

    def run_python(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SNG_"))}
        return subprocess.run([sys.executable, *arguments], cwd=self.directory, capture_output=True, text=True, env=environment,
                              timeout=200)

    def read_log(self):
        return self.log.read_text().split() if self.log.exists() else []


@unittest.skipUnless(pytest, "needs pytest")
class PluginTest(Fixture):
    def run_pytest(self, *arguments):
        return self.run_python("-m", "pytest", "-p", "sng.pytest_plugin", "-p", "no:cacheprovider", "-rs", *arguments)

    def get_tests(self, process):
        return [line.split("::", 1)[1] for line in process.stdout.splitlines() if line.startswith("test_line.py::")]

    def test_collects_without_training(self):
        self.write(PASSES)
        process = self.run_pytest("--collect-only", "-q")
        tests = self.get_tests(process)
        for name in ("test_stop_and_go_consistency[LearningRate]", "test_stop_and_go_consistency[OptimizerState]",
                     "test_stop_and_go_consistency[Stops]", "test_train_val_init_consumed_samples",
                     "test_identical_number_of_validation_batches"):
            self.assertIn(f"TestLine::{name}", tests, process.stdout)
        self.assertNotIn("TestLine::test_stop_and_go_consistency[InitConsumedSamples]", tests)
        self.assertEqual(len(tests), len(set(tests)))
        self.assertEqual(self.read_log(), ["pytest"])

    def test_passes_with_one_run(self):
        self.write(PASSES)
        process = self.run_pytest()
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        self.assertRegex(process.stdout, r"\d\d passed, 2 skipped")
        self.assertIn("EmaState does not apply to this training", process.stdout)
        self.assertEqual(self.read_log(), ["pytest", "run"])

    def test_shows_the_first_divergence_and_no_stack(self):
        self.write(DIVERGES)
        process = self.run_pytest("-k", "OptimizerState or LearningRate or SampleIds")
        self.assertEqual(process.returncode, 1, process.stdout)
        self.assertIn("1 failed, 2 passed", process.stdout)
        self.assertRegex(process.stdout, r"_ TestLine.test_stop_and_go_consistency\[OptimizerState\] _")
        self.assertRegex(process.stdout, r"\nTestLine: OptimizerState: DIVERGED\nOptimizerState at step 3, .*velocity")
        self.assertIn("\ndiagnosis: ", process.stdout)
        for noise in ("Traceback", "checks.py", "pytest_plugin.py", "def "):
            self.assertNotIn(noise, process.stdout)

    def test_a_consequence_names_the_cause(self):
        self.write(DIVERGES)
        process = self.run_pytest("-k", "ModelWeights")
        self.assertRegex(process.stdout, r"\nTestLine: ModelWeights: DIVERGED\nModelWeights at step 4, .*\n"
                                         r"the first divergence of the run: OptimizerState at step 3")

    def test_stops_at_the_first_failure(self):
        self.write(DIVERGES)
        process = self.run_pytest("-x")
        self.assertRegex(process.stdout, "1 failed, .*passed")
        self.assertIn("stopping after 1 failures", process.stdout)

    def test_reports(self):
        self.write(DIVERGES)
        self.run_pytest("--sng-report", "out", "-k", "LearningRate")
        self.assertEqual(sorted(os.listdir(self.directory / "out")), ["TestLine.html", "TestLine.json", "TestLine.xml"])
        report = json.loads((self.directory / "out" / "TestLine.json").read_text())
        self.assertEqual((report["verdict"], report["first_divergence"]["metric"]), ("DIVERGED", "OptimizerState"))
        self.assertIn("<testsuite", (self.directory / "out" / "TestLine.xml").read_text())

    def test_every_step(self):
        self.write(PASSES)
        process = self.run_pytest("--sng-every-step", "-v")
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        for step in range(1, 6):
            self.assertRegex(process.stdout, rf"test_stop_and_go_at_step\[{step}\] PASSED")
        self.write(DIVERGES)
        process = self.run_pytest("--sng-every-step", "-k", "at_step")
        self.assertRegex(process.stdout, r"5 failed|4 failed, 1")
        self.assertIn("OptimizerState", process.stdout)

    def test_faults(self):
        self.write(PASSES)
        tests = self.get_tests(self.run_pytest("--sng-faults", "--collect-only", "-q"))
        faults = [test for test in tests if "test_fault_is_found[" in test]
        self.assertGreater(len(faults), 20)
        self.assertEqual(self.read_log(), ["pytest"])
        process = self.run_pytest("--sng-faults", "-k", "test_fault_is_found")
        self.assertRegex(process.stdout, r"\d+ passed")
        self.assertEqual(process.returncode, 0, process.stdout[-3000:])

    def test_an_undetected_fault(self):
        """By a harness that records next to nothing."""
        self.write(PASSES + """
    def get_default_callbacks(self):
        return [callback for callback in super().get_default_callbacks() if callback.get_metric() in ("GlobalStepState", "LearningRate")]
""")
        process = self.run_pytest("--sng-faults", "-k", "test_fault_is_found")
        self.assertEqual(process.returncode, 1, process.stdout[-3000:])
        self.assertRegex(process.stdout, r"a training with the fault .* would pass: no metric that is recorded shows it")

    def test_an_exception_is_shown_once_as_itself(self):
        self.write(PASSES + """
    def setup_model(self, mode):
        return missing_name
""")
        process = self.run_pytest()
        self.assertEqual(process.returncode, 1)
        self.assertEqual(process.stdout.count(">       return missing_name"), 1, process.stdout)
        self.assertIn("NameError: name 'missing_name' is not defined", process.stdout)
        self.assertRegex(process.stdout, r"TestLine: there is no report, see test_line.py::TestLine::test_stop_and_go_consistency\[GlobalStepState\]")
        self.assertNotIn("checks.py", process.stdout)
        self.assertEqual(self.read_log().count("run"), 1)

    def test_no_setup_model(self):
        self.write("\nclass TestEmpty(sng.StopAndGoHarness):\n    isolation = sng.Isolation.NONE\n")
        process = self.run_pytest()
        self.assertIn("TestEmpty does not implement setup_model(self, mode): return (model, data, optimizer)", process.stdout)

    def test_processes_run_nothing_else(self):
        """Each mode in a process of its own, which shows its trace when it fails."""
        self.write("\nclass TestLine(Line):\n    pass\n" + OTHERS)
        process = self.run_pytest()
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        self.assertEqual(self.read_log().count("other"), 2)
        self.assertEqual(self.read_log().count("child"), 3)
        self.log.unlink()
        self.write("""
class TestLine(Line):
    def restore(self, trainer, checkpoint):
        raise KeyError("planted")
""" + OTHERS)
        process = self.run_pytest("-k", "LearningRate or test_after")
        self.assertIn("1 failed, 1 passed", process.stdout)
        self.assertRegex(process.stdout, r"\nTestLine: the check could not be made: \[harness\]\[resume\]")
        self.assertIn("    raise KeyError(\"planted\")\nKeyError: 'planted'", process.stdout)
        self.assertEqual(self.read_log().count("other"), 1)

    def test_a_class_that_no_process_can_make(self):
        self.write("\ndef new():\n    class TestLine(Line):\n        pass\n    return TestLine\n\n\nTestLine = new()\n")
        process = self.run_pytest("-k", "LearningRate")
        self.assertIn("define it at the top of a file", process.stdout)

    def test_a_plain_harness_starts_pytest_again(self):
        """One that is derived from Sng.Harness, in a test that its user has written."""
        self.write("""
class Plain(linear.LinearHarness):
    pass


def test_plain():
    assert Plain(num_steps=6, stop_step=3).run_stop_and_go().get_verdict() == sng.Verdict.PASS
""" + OTHERS)
        process = self.run_pytest()
        self.assertIn("3 passed", process.stdout, process.stdout)
        self.assertEqual(self.read_log().count("other"), 2)
        self.write("""
def test_plain():
    linear.LinearHarness("nobody", num_steps=6, stop_step=3).run_stop_and_go()
""" + OTHERS)
        process = self.run_pytest("-k", "plain")
        self.assertIn("AttributeError: 'NoneType' object has no attribute 'get_state'", process.stdout)
        self.assertIn("fresh = trainer.get_state_registry()", process.stdout)

    def test_the_users_own_tests(self):
        """Parametrized by hand, as with the original, and others beside those that are made."""
        self.write(PASSES + """
    @pytest.mark.parametrize("metric", ["LearningRate", "TrainLoss"])
    def test_stop_and_go_consistency(self, metric):
        self.run_stop_and_go() if self.get_report() is None else None
        assert self.check_metric(metric)

    def test_of_my_own(self, own):
        assert own == self.num_steps

    @pytest.fixture
    def own(self):
        return 6
""".replace("pytest.", "__import__('pytest')."))
        process = self.run_pytest("-v")
        self.assertEqual(process.returncode, 0, process.stdout)
        tests = [line.split()[0].split("::")[-1] for line in process.stdout.splitlines() if line.startswith("test_line.py::")]
        self.assertEqual(sorted(tests), ["test_identical_number_of_validation_batches", "test_of_my_own", "test_stop_and_go_consistency[LearningRate]",
                                         "test_stop_and_go_consistency[TrainLoss]", "test_train_val_init_consumed_samples"])

    def test_anything_that_does_what_a_harness_does(self):
        self.write("""
class TestDuck:
    def run_stop_and_go(self):
        self.harness = Line(isolation=sng.Isolation.NONE)
        self.harness.forget = "optimizer"
        return self.harness.run_stop_and_go()

    def get_report(self):
        return self.harness.get_report()

    def check_metric(self, name):
        return self.harness.check_metric(name)


class TestOrdinary:
    def test_it(self):
        pass
""")
        process = self.run_pytest("-v")
        self.assertRegex(process.stdout, r"TestDuck::test_stop_and_go_consistency\[OptimizerState\] FAILED")
        self.assertRegex(process.stdout, r"TestDuck::test_stop_and_go_consistency\[LearningRate\] PASSED")
        self.assertRegex(process.stdout, r"TestDuck::test_stop_and_go_other_metrics FAILED")
        self.assertRegex(process.stdout, r"TestOrdinary::test_it PASSED")
        self.assertIn("TestDuck: RegisteredState: DIVERGED", process.stdout)  # which it did not tell of before

    def test_a_loop(self):
        """A harness around a loop, which cannot tell beforehand what it will record."""
        self.write("""
class TestLoop(sng.LoopHarness):
    stop_step = 2

    def train(self, mode, recorder):
        path = os.path.join(recorder.checkpoint_dir, "step")
        first = int(open(path).read()) if os.path.exists(path) else 0
        for step in range(first + 1, 5):
            with open(path, "w") as file:
                file.write(str(step))
            recorder.step(step, {"TrainLoss": 1 / step, "Mine": step if mode != "resume" else -step})
""" + OTHERS)
        process = self.run_pytest("-v")
        self.assertRegex(process.stdout, r"TestLoop::test_stop_and_go_consistency\[TrainLoss\] PASSED")
        self.assertRegex(process.stdout, r"TestLoop::test_stop_and_go_consistency\[OptimizerState\] SKIPPED")
        self.assertRegex(process.stdout, r"TestLoop::test_stop_and_go_other_metrics FAILED")
        self.assertRegex(process.stdout, r"\nTestLoop: Mine: DIVERGED\nMine at step 3.*expected 3, found -3")
        self.assertEqual(self.read_log().count("other"), 2)

    def test_what_is_left_alone(self):
        self.write(PASSES + "\n    __test__ = False\n\n\nclass Other(Line):\n    pass\n\n\ndef test_one():\n    pass\n")
        self.assertEqual(self.get_tests(self.run_pytest("--collect-only", "-q")), ["test_one"])

    def test_marks(self):
        self.write("\nimport pytest\n\n\n@pytest.mark.skip(reason='not today')" + PASSES)
        process = self.run_pytest()
        self.assertIn("not today", process.stdout)
        self.assertNotIn("run", self.read_log())

    @unittest.skipUnless(xdist, "needs pytest-xdist")
    def test_xdist(self):
        self.write("\nclass TestLine(Line):\n    pass\n" + OTHERS)
        process = self.run_pytest("-n", "2", "--dist", "loadscope")
        self.assertRegex(process.stdout, r"\d\d passed, 2 skipped")
        self.assertEqual(self.read_log().count("child"), 3)


class UnittestTest(Fixture):
    TEST_CASE = """
import sng.unittest


class LineTest(sng.unittest.StopAndGoTestCase):
    harness = type("Line", (Line,), {"isolation": sng.Isolation.NONE, "forget": FORGET})
"""

    def test_passes(self):
        self.write(self.TEST_CASE.replace("FORGET", "None"))
        process = self.run_python("-m", "unittest", "-v", "test_line")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertRegex(process.stderr, r"test_stop_and_go_consistency_LearningRate \(.*\) ... ok")
        self.assertRegex(process.stderr, "skipped 'EmaState does not apply to this training'")
        self.assertEqual(self.read_log(), ["pytest", "run"])

    def test_diverges(self):
        self.write(self.TEST_CASE.replace("FORGET", "'optimizer'"))
        process = self.run_python("-m", "unittest", "test_line")
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr, r"FAIL: test_stop_and_go_consistency_OptimizerState \(")
        self.assertRegex(process.stderr, r"\nLine: OptimizerState: DIVERGED\nOptimizerState at step 3, ")


if __name__ == "__main__":
    tap.main("/sng/python/pytest")
