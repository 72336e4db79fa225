#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.StopAndGoHarness: class attributes, plain methods, and what users do wrong. Needs no PyTorch."""

import itertools
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import traceback
import unittest
import unittest.mock

import linear
import sng
import tap
from linear import GLib, Sng


class LineHarness(sng.StopAndGoHarness):
    """forget names a stateful that is left as it was built when the rest is restored."""

    num_steps = 8
    stop_step = 5
    val_check_interval = 2
    isolation = Sng.Isolation.NONE
    extra_metrics_dict = {"Bias": lambda trainer: trainer.get_model().parameters[1].get_value().numpy()[0]}

    def __init__(self, forget=None, **properties):
        super().__init__(**properties)
        self.forget = forget

    def setup_model(self, mode):
        model = linear.LinearModel()
        return model, linear.LineData(), linear.Momentum(model.get_parameters()), linear.HalvingLr()

    def restore(self, trainer, checkpoint):
        if self.forget:
            checkpoint.set_state(self.forget, trainer.get_state_registry().lookup(self.forget).get_state())
        trainer.restore(checkpoint)


class SettingsTest(unittest.TestCase):
    def test_class_attributes_are_properties(self):
        class Derived(LineHarness):
            num_steps = 12
            lr = 0.5

        harness = Derived(val_check_interval=3)
        self.assertEqual((harness.props.num_steps, harness.num_steps, Derived.num_steps, LineHarness.num_steps), (12, 12, 12, 8))
        self.assertEqual((harness.props.val_check_interval, harness.val_check_interval, Derived.val_check_interval), (3, 3, 2))
        self.assertEqual((harness.lr, Derived.lr, LineHarness.lr), (0.5, 0.5, 1e-4))
        harness.num_steps = 14
        self.assertEqual(harness.props.num_steps, 14)
        harness.props.num_steps = 16
        self.assertEqual(harness.num_steps, 16)
        self.assertEqual((harness.exp_name, Derived.exp_name), ("Derived", "Derived"))

    def test_all_of_them_are_typed(self):
        """Each property of the harness has an annotation, for who writes a subclass in an editor."""
        writable = {spec.name.replace("-", "_") for spec in Sng.Harness.list_properties() if spec.flags & 2}
        self.assertEqual(writable - set(sng.StopAndGoHarness.__annotations__), set())
        self.assertGreater(len(writable), 20)

    def test_runs_note_python_and_what_it_has_loaded(self):
        report = LineHarness(device="cpu").run_stop_and_go()
        self.assertEqual(report.list_warnings(), [])
        for run in report.get_runs():
            environment = run.get_environment().unpack()
            self.assertEqual((environment["python"], environment["device"]), (platform.python_version(), "cpu"))
            self.assertEqual("numpy" in environment, "numpy" in sys.modules)

    def test_what_a_run_has_loaded_is_no_difference(self):
        facts = [{"python": "3", "torch": version, **more} for version, more in (("1", {}), ("1", {"gpu": "H100"}), ("2", {}))]
        with unittest.mock.patch("sng.environment.describe", side_effect=facts):
            report = LineHarness().run_stop_and_go()
        self.assertEqual([warning for warning in report.list_warnings() if "gpu" in warning], [])
        self.assertTrue([warning for warning in report.list_warnings() if "torch" in warning])

    def test_the_device_of_a_mode(self):
        harness = LineHarness(resume_device="abacus", n_threads=2)
        self.assertEqual(harness.create_device(Sng.Mode.STOP).get_n_threads(), 2)
        with self.assertRaisesRegex(GLib.Error, "abacus"):
            harness.create_device(Sng.Mode.RESUME)

    def test_a_path_is_a_directory(self):
        with tempfile.TemporaryDirectory() as directory:
            class Rooted(LineHarness):
                root_dir = pathlib.Path(directory)
            harness = Rooted()
            self.assertEqual(harness.root_dir, directory)
            harness.root_dir = pathlib.Path("/other")
            self.assertEqual(harness.root_dir, "/other")

    def test_an_unknown_one(self):
        with self.assertRaisesRegex(TypeError, "num_step"):
            LineHarness(num_step=3)

    def test_of_the_wrong_type(self):
        class Wrong(LineHarness):
            num_steps = "ten"
        with self.assertRaisesRegex((TypeError, ValueError), "num.steps|ten"):
            Wrong()


class RunTest(unittest.TestCase):
    def test_faithful_resume_passes(self):
        harness = LineHarness()
        report = harness.run_stop_and_go()
        self.assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text())
        self.assertEqual(report.lookup_metric("Bias").get_compared(), 8)
        self.assertTrue(harness.check_metric("OptimizerState"))

    def test_forgotten_state_diverges(self):
        first = LineHarness("optimizer").run_stop_and_go().get_first_divergence()
        self.assertEqual((first.get_metric(), first.get_step()), ("OptimizerState", 5))

    def test_setup_and_callbacks(self):
        calls = []

        class Wider(LineHarness):
            def setup(self):
                calls.append("setup")

            def teardown(self):
                calls.append("teardown")

            def setup_trainer(self, mode):
                calls.append(mode.value_nick)
                return super().setup_trainer(mode)

            def get_default_callbacks(self):
                return [*super().get_default_callbacks(), linear.WeightNormCallback()]

        report = Wider().run_stop_and_go()
        self.assertEqual(report.lookup_metric("WeightNorm").get_verdict(), Sng.Verdict.PASS, report.to_text())
        self.assertEqual(calls, ["setup", "continuous", "stop", "resume", "teardown"])
        self.assertIn("WeightNorm", Wider().get_metric_names())
        self.assertIn("Bias", Wider().get_metric_names())

    def test_streams_begin_alike(self):
        import random

        class Seeded(LineHarness):
            drawn = []

            def setup_model(self, mode):
                self.drawn.append(random.random())
                return super().setup_model(mode)

        Seeded(seed=3).run_stop_and_go()
        self.assertEqual(len(Seeded.drawn), 3)
        self.assertEqual(len(set(Seeded.drawn)), 1)

    def test_sweep_and_faults(self):
        report = LineHarness(num_steps=4, stop_step=0).run_sweep()
        self.assertEqual((report.get_verdict(), len(report.get_parts())), (Sng.Verdict.PASS, 3), report.to_text())
        results = list(LineHarness(num_steps=6, stop_step=3).run_faults(["drop:optimizer"]).get_faults())
        self.assertEqual([(result.get_planted(), result.get_detected()) for result in results], [(True, True)])


NUMBERS = itertools.count()


def raising(name):
    def method(*arguments):
        raise ZeroDivisionError(f"planted in {name}")
    return method


class MistakeTest(unittest.TestCase):
    """Each is an error that says what to do, or the exception itself."""

    def check(self, pattern, error=TypeError, **methods):
        cls = type("Mistaken", (LineHarness,), {**methods, "__gtype_name__": f"Mistaken{next(NUMBERS)}"})
        with self.assertRaisesRegex(error, pattern):
            cls().run_stop_and_go()

    def test_no_setup_model(self):
        class Empty(sng.StopAndGoHarness):
            isolation = Sng.Isolation.NONE
        with self.assertRaisesRegex(NotImplementedError, r"Empty does not implement setup_model\(self, mode\): return \(model, data, optimizer\)"):
            Empty().run_stop_and_go()

    def test_wrong_results_of_setup_model(self):
        model = linear.LinearModel()
        parts = model, linear.LineData(), linear.Momentum(model.get_parameters())
        for result, pattern in ((None, "None: return"), ({}, "a dict: return"), (parts[:2], "a tuple of 2: return"),
                                ((*parts, None, None), "a tuple of 5: return"), ((None, *parts[1:]), "None as the model, which is neither"),
                                ((parts[0], "data", parts[2]), "a str as the data"), ((*parts[:2], parts[0]), "a linear.LinearModel as the optimizer"),
                                ((*parts, 0.1), "a float as the scheduler")):
            with self.subTest(pattern):
                self.check(f"Mistaken.setup_model returned {pattern}", setup_model=lambda self, mode: result)

    def test_a_setup_without_a_scheduler(self):
        def setup_model(self, mode):
            return LineHarness.setup_model(self, mode)[:3]
        cls = type("Schedulerless", (LineHarness,), {"setup_model": setup_model})
        self.assertEqual(cls().run_stop_and_go().get_verdict(), Sng.Verdict.PASS)

    def test_wrong_trainer(self):
        for result in (None, object()):
            self.check("Mistaken.setup_trainer returned (None|an object): return an Sng.Trainer", setup_trainer=lambda self, mode: result)

    def test_wrong_callbacks(self):
        for result, pattern in ((None, "returned None: return a list"), ({}, "returned a dict"), ([1], "a list with an int in it")):
            self.check(pattern, get_default_callbacks=lambda self: result)

    def test_wrong_metric(self):
        self.check("the metric Odd is a list: return a number or a string", extra_metrics_dict={"Odd": lambda trainer: []})
        self.check("planted in Odd", ZeroDivisionError, extra_metrics_dict={"Odd": raising("Odd")})

    def test_exceptions_come_out_as_themselves(self):
        for name in ("setup", "teardown", "setup_model", "setup_trainer", "get_default_callbacks", "restore"):
            with self.subTest(name):
                cls = type("Raising", (LineHarness,), {name: raising(name), "__gtype_name__": f"Raising{name}"})
                try:
                    cls().run_stop_and_go()
                except ZeroDivisionError as error:
                    self.assertEqual(str(error), f"planted in {name}")
                    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
                else:
                    self.fail("nothing was raised")
                self.assertEqual(frames[-1], "method", "the trace ends where the exception was raised")
                self.assertIn(f"do_{name}", frames)

    def test_exceptions_of_the_parts(self):
        """In model, optimizer, data, schedule and callback: also those that only C calls."""
        for cls, name in (("LinearModel", "do_forward"), ("LinearModel", "do_backward"), ("Momentum", "do_step"), ("LineData", "do_load_batch"),
                          ("HalvingLr", "do_compute"), ("Momentum", "do_set_state")):
            with self.subTest(f"{cls}.{name}"):
                original = getattr(linear, cls)
                bases = (original, Sng.Stateful) if issubclass(original, Sng.Stateful) else (original,)
                setattr(linear, cls, type(cls, bases, {name: raising(name), "__gtype_name__": f"Raising{cls}{name}"}))
                try:
                    with self.assertRaisesRegex(ZeroDivisionError, f"planted in {name}"):
                        LineHarness().run_stop_and_go()
                finally:
                    setattr(linear, cls, original)

        class Callback(linear.WeightNormCallback):
            do_step_end = raising("do_step_end")
        self.check("planted in do_step_end", ZeroDivisionError, get_default_callbacks=lambda self: [Callback()])

    def test_an_exception_is_told_of_one_run_only(self):
        self.check("planted", ZeroDivisionError, setup=raising("setup"))
        self.assertEqual(LineHarness().run_stop_and_go().get_verdict(), Sng.Verdict.PASS)
        with self.assertRaises(GLib.Error):
            LineHarness(num_steps=1, stop_step=7).run_stop_and_go()


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import linear
import sng

print("started", flush=True)


class Line(sng.StopAndGoHarness):
    num_steps = 6
    val_check_interval = 2

    def __init__(self, failing, **properties):
        super().__init__(**properties)
        self.failing = failing

    def setup_model(self, mode):
        if mode.value_nick == self.failing:
            raise ZeroDivisionError("planted in " + mode.value_nick)
        model = linear.LinearModel()
        return model, linear.LineData(), linear.Momentum(model.get_parameters())


if __name__ == "__main__":
    print(Line(sys.argv[1], seed=4).run_stop_and_go().get_summary())
"""


class ProcessTest(unittest.TestCase):
    """Each mode in a process of its own."""

    def run_script(self, failing, text=SCRIPT):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "check_line.py")
            pathlib.Path(path).write_text(text.format(tests=os.path.dirname(os.path.abspath(__file__))))
            return subprocess.run([sys.executable, path, failing], capture_output=True, text=True, timeout=120)

    def test_passes(self):
        process = self.run_script("none")
        self.assertRegex(process.stdout, r"^started\nPASS: \d+ metrics", process.stderr)

    def test_a_class_that_only_its_own_program_can_make(self):
        text = SCRIPT.replace('\nclass Line', '\ndef new(failing, **properties):\n  class Line').replace("\n    num", "\n      num")
        text = text.replace("    val_check", "      val_check").replace('if __name__ == "__main__":\n    ', "")
        body, tail = text.split("    def __init__", 1)
        methods, end = tail.split("\n\n\nprint", 1)
        text = body + "      def __init__" + methods.replace("\n    ", "\n      ") + "\n  return Line(failing, **properties)\n\n\nprint" + end.replace("Line(", "new(")
        process = self.run_script("none", text)
        self.assertRegex(process.stdout, r"^started\nPASS: \d+ metrics", process.stderr)

    def test_an_exception_in_a_child_shows_its_trace(self):
        process = self.run_script("resume")
        self.assertEqual(process.returncode, 1)
        for pattern in (r"\[harness\]\[resume\]", "ZeroDivisionError: planted in resume", r"check_line.py\", line \d+, in setup_model"):
            self.assertRegex(process.stderr, pattern)

    def test_a_child_that_cannot_import_the_file(self):
        process = self.run_script("none", SCRIPT.replace("import linear", "import linear, os\nif sng_missing(): pass", 1).replace(
            "import linear, os", "import os\nsng_missing = lambda: 'SNG_CHILD_RUN' in os.environ and 1 / 0\nimport linear"))
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr, "the child never reached the harness")
        self.assertRegex(process.stderr, "ZeroDivisionError: division by zero")


if __name__ == "__main__":
    tap.main("/sng/python/harness")
