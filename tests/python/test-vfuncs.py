#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every function that can be overridden, overridden in Python and called from C;
and what comes of an exception in one."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GLib, Sng
import numpy
import linear
import tap


def overridable():
    """All that the typelib knows: pairs of class and function."""
    for name in dir(Sng):
        info = getattr(getattr(Sng, name, None), "__info__", None)
        if hasattr(info, "get_vfuncs") and name not in ("Device",):
            for vfunc in info.get_vfuncs():
                yield name, vfunc.get_name()


def implementations():
    """The classes of linear.py by the class that they derive from."""
    for cls in vars(linear).values():
        if isinstance(cls, type) and cls.__module__ == "linear":
            for base in cls.__bases__:
                yield base.__name__, cls


class TrainingTest(unittest.TestCase):
    """A training stopped, resumed and compared, in this process."""

    def run_harness(self, **properties):
        harness = linear.LinearHarness(isolation=Sng.Isolation.NONE, **properties)
        return harness, harness.run_stop_and_go(None)

    def test_faithful_resume_passes(self):
        linear.CALLS.clear()
        _, report = self.run_harness()
        self.assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text())
        self.assertGreater(report.lookup_metric("WeightNorm").get_compared(), 8)
        self.assertIn("PASS", repr(report))

        # Each function of each class was called: none is forgotten when one is added.
        classes = dict(implementations())
        expected = {f"{classes[base].__name__ if base in classes else '?' + base}.do_{function}"
                    for base, function in overridable() if function != "find_non_finite"}
        self.assertEqual(expected - linear.CALLS, set())
        self.assertGreater(len(expected), 25)

    def test_forgotten_state_diverges(self):
        for forget, metric, step in (("optimizer", "OptimizerState", 5), ("model", "ModelWeights", 5),
                                     ("batches", "BatchCount", 5), ("scheduler", "SchedulerState", 5),
                                     ("rng/masking", "RngState", 5), ("sampler", "SampleIds", 6)):
            with self.subTest(forget):
                heard = []
                harness = linear.LinearHarness(forget, isolation=Sng.Isolation.NONE)
                harness.connect("divergence", lambda _, divergence: heard.append(divergence.get_metric()))
                report = harness.run_stop_and_go(None)
                first = report.get_first_divergence()
                self.assertEqual(report.get_verdict(), Sng.Verdict.DIVERGED, report.to_text())
                self.assertEqual(report.lookup_metric(metric).get_verdict(), Sng.Verdict.DIVERGED)
                self.assertEqual((first.get_metric(), first.get_step(), first.get_mode()),
                                 (metric, step, Sng.Mode.RESUME))
                self.assertIn(metric, heard)

    def test_mixed_precision(self):
        """A model of numpy's float16, whose gradients overflow under the first loss scale."""
        harness, report = self.run_harness(precision="16-mixed", micro_batch_size=2)
        self.assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text())
        self.assertGreater(report.lookup_metric("TrainLoss").get_compared(), harness.props.num_steps)

    def test_processes(self):
        """The same, each mode in a process of its own: the interpreter runs the script again."""
        for arguments, verdict, first in (([], "PASS", None), (["optimizer"], "DIVERGED", ("OptimizerState", 5))):
            with self.subTest(arguments):
                script = os.path.join(os.path.dirname(__file__), "stop-and-go.py")
                process = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)
                self.assertEqual(process.returncode, first is not None, process.stderr)
                report = json.loads(process.stdout)
                self.assertEqual(report["verdict"], verdict)
                if first:
                    divergence = report["first_divergence"]
                    self.assertEqual((divergence["metric"], divergence["step"]), first)

    def test_exception_in_another_process(self):
        script = os.path.join(os.path.dirname(__file__), "stop-and-go.py")
        process = subprocess.run([sys.executable, script, "nobody"], capture_output=True, text=True)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("[harness][resume]", process.stderr)
        self.assertIn("LinearHarness.restore: AttributeError: 'NoneType'", process.stderr)
        self.assertIn("fresh = trainer.get_state_registry()", process.stderr)

    def test_async(self):
        loop = GLib.MainLoop()
        results = []

        def finished(harness, result):
            results.append(harness.run_stop_and_go_finish(result))
            loop.quit()

        linear.LinearHarness(isolation=Sng.Isolation.NONE).run_stop_and_go_async(None, finished)
        self.assertEqual(results, [])
        loop.run()
        self.assertEqual(results[0].get_verdict(), Sng.Verdict.PASS)

    def test_signals(self):
        heard = []
        harness = linear.LinearHarness(isolation=Sng.Isolation.NONE)
        for signal in ("mode-started", "mode-finished"):
            harness.connect(signal, lambda _, mode, *rest: heard.append((rest[-1], mode)), signal)
        harness.run_stop_and_go(None)
        for mode in (Sng.Mode.STOP, Sng.Mode.RESUME, Sng.Mode.CONTINUOUS):
            self.assertLess(heard.index(("mode-started", mode)), heard.index(("mode-finished", mode)))

    def test_extra_metric(self):
        harness = linear.LinearHarness(isolation=Sng.Isolation.NONE)
        harness.add_metric("Bias", lambda trainer: GLib.Variant(
            "d", list(trainer.get_model().get_parameters())[1].get_value().get_value(0)))
        report = harness.run_stop_and_go(None)
        self.assertEqual(report.lookup_metric("Bias").get_verdict(), Sng.Verdict.PASS)
        self.assertEqual(report.lookup_metric("Bias").get_compared(), 8)


class TrainerTest(unittest.TestCase):
    """The same classes under a trainer of their own, without a harness around it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def new_trainer(self, max_steps):
        model = linear.LinearModel()
        model.load_first_weights()
        trainer = Sng.Trainer(max_steps=max_steps, micro_batch_size=2, accumulate_grad_batches=2,
                              model_checkpoint=Sng.ModelCheckpoint.new(self.directory, 5))
        trainer.attach(model, linear.LineData(), linear.Momentum(model.get_parameters()), linear.HalvingLr())
        return trainer

    def train(self, max_steps, change=None):
        """The losses and the last state, from the checkpoint of step 5 on where change is given."""
        trainer = self.new_trainer(max_steps)
        losses = []
        if change:
            checkpoint = Sng.Checkpoint.load(os.path.join(self.directory, "step-00000005"))
            change(trainer, checkpoint)
            trainer.restore(checkpoint)
        trainer.connect("step-end", lambda trainer: losses.append(trainer.get_loss()))
        trainer.fit()
        registry = trainer.get_state_registry()
        return losses, {name: registry.lookup(name).get_state().compute_fingerprint().to_string()
                        for name in registry.dup_names()}

    def test_stops_and_resumes(self):
        def forget(trainer, checkpoint):
            checkpoint.set_state("optimizer", trainer.get_optimizer().get_state())

        losses, state = self.train(12)
        self.assertLess(losses[-1], losses[0] / 4)
        self.train(5)
        self.assertEqual(self.train(12, lambda *_: None), (losses[5:], state))
        damaged = self.train(12, forget)
        self.assertEqual(damaged[0][0], losses[5])
        self.assertNotEqual(damaged[0][1], losses[6])
        self.assertNotEqual(damaged[1]["model"], state["model"])

    def test_refuses_a_checkpoint_without_a_state(self):
        def remove(trainer, checkpoint):
            self.assertTrue(checkpoint.remove_state("batches"))

        self.train(5)
        with self.assertRaisesRegex(GLib.Error, "missing: 'batches'"):
            self.train(12, remove)

    def train_with_all(self, name, max_steps, checkpoint=None):
        """With an average, an early stopping that step 8 ends, and a list of the best two checkpoints."""
        model = linear.LinearModel()
        model.load_first_weights()
        directory = os.path.join(self.directory, name)
        average = Sng.ExponentialMovingAverage(decay=0.5, warm_up=True)
        early_stopping = Sng.EarlyStopping(patience=3, min_delta=1e6)
        plan = Sng.ModelCheckpoint(directory=directory, every_n_train_steps=1, monitor="valid_loss", save_top_k=2)
        trainer = Sng.Trainer(max_steps=max_steps, val_check_interval=2, model_checkpoint=plan,
                              exponential_moving_average=average, early_stopping=early_stopping)
        trainer.attach(model, linear.LineData(), linear.Momentum(model.get_parameters()), linear.HalvingLr())
        if checkpoint:
            trainer.restore(checkpoint)
        trainer.fit()
        states = [part.get_state().compute_fingerprint().to_string() for part in (average, early_stopping, plan)]
        return trainer, states

    def test_state_that_outlives_a_step(self):
        whole, states = self.train_with_all("whole", 20)
        self.assertEqual(whole.get_global_step(), 8)
        self.assertEqual(whole.get_early_stopping().get_stopped_step(), 8)
        self.assertEqual(whole.get_exponential_moving_average().get_n_updates(), 8)
        self.assertGreater(whole.get_model_checkpoint().get_best_step(), 0)
        self.assertEqual(whole.get_monitored("valid_loss"), (True, whole.get_valid_loss()))
        for stop in (3, 4, 7):
            with self.subTest(stop):
                stopped, _ = self.train_with_all(f"stopped-{stop}", stop)
                checkpoint, _ = stopped.get_checkpoint_store().load_latest()
                self.assertEqual(self.train_with_all(f"resumed-{stop}", 20, checkpoint)[1], states)


class ExceptionTest(unittest.TestCase):
    """An exception in any function ends the run with an error that names class and function."""

    def test_is_an_error(self):
        planted = 0
        for cls in {cls for _, cls in implementations()}:
            for name in list(vars(cls)):
                if not name.startswith("do_") or name in ("do_get_n_samples", "do_find_non_finite"):
                    continue
                planted += 1
                with self.subTest(f"{cls.__name__}.{name}"):
                    self.plant(cls, name)
        self.assertGreater(planted, 25)

    def plant(self, cls, name):
        bases = (cls, Sng.Stateful) if issubclass(cls, Sng.Stateful) else (cls,)
        broken = type(cls.__name__, bases, {name: self.fail_in_vfunc, "__gtype_name__": f"Broken{cls.__name__}_{name}"})
        setattr(linear, cls.__name__, broken)
        try:
            with self.assertRaises(GLib.Error) as caught:
                linear.LinearHarness(isolation=Sng.Isolation.NONE).run_stop_and_go(None)
        finally:
            setattr(linear, cls.__name__, cls)
        self.assertIn(f"Broken{cls.__name__}_{name}.{name[3:]}: ValueError: planted", caught.exception.message)

    @staticmethod
    def fail_in_vfunc(self, *args):
        raise ValueError("planted")

    def test_find_non_finite(self):
        """Is asked only where something is wrong."""
        model = linear.LinearModel()
        model.kept = None, numpy.array([1.0, numpy.inf])
        self.assertEqual(model.find_non_finite(), "residual")
        linear.write(list(model.parameters)[1].get_value(), [numpy.nan])
        self.assertEqual(model.find_non_finite(), "bias")
        model = linear.LinearModel()
        model.kept = None, numpy.zeros(2)
        self.assertIsNone(model.find_non_finite())
        model.kept = None
        with self.assertRaisesRegex(GLib.Error, "LinearModel.find_non_finite: TypeError"):
            model.find_non_finite()

    def test_unknown_precision(self):
        with self.assertRaises(GLib.Error) as caught:
            linear.LinearModel().set_precision(Sng.Precision.BF16_MIXED)
        self.assertTrue(caught.exception.matches(Sng.error_quark(), Sng.Error.NOT_SUPPORTED))
        self.assertIn("LinearModel.set_precision: numpy has no bfloat16", caught.exception.message)

    def test_nothing_returned(self):
        class Silent(linear.LineData):
            __gtype_name__ = "Silent"

            def do_setup(self):
                pass

        with self.assertRaisesRegex(GLib.Error, "Silent.setup failed without an error.*returned nothing"):
            Silent().setup()

    def test_error_keeps_its_code(self):
        counter = linear.BatchCounter()
        state = Sng.StateDict()
        state["count"] = -1
        with self.assertRaises(GLib.Error) as caught:
            Sng.Stateful.check_state(counter, state)
        self.assertTrue(caught.exception.matches(Sng.error_quark(), Sng.Error.INVALID_DATA))

    def test_interrupted(self):
        """Ctrl-C ends a run, in a process of its own or not, and one with a listener that it could hit. Nothing is left."""
        for isolation in ("PROCESS", "NONE"):
            with self.subTest(isolation), tempfile.TemporaryDirectory() as temporary:
                path = os.pathsep.join(filter(None, [os.path.dirname(__file__), os.environ.get("PYTHONPATH")]))
                process = subprocess.Popen([sys.executable, "-c", LONG_RUN.format(isolation)],
                                           env={**os.environ, "TMPDIR": temporary, "PYTHONPATH": path},
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                self.assertEqual(process.stdout.readline(), "stepping\n")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.communicate(timeout=60)[0].splitlines()[-1], "interrupted")
                self.assertEqual(os.listdir(temporary), [])


LONG_RUN = """
import linear
harness = linear.LinearHarness(num_steps=1000000, stop_step=999999, val_check_interval=500000, isolation=linear.Sng.Isolation.{})
harness.connect("progress", lambda *args: args[2] == 2 and print("stepping", flush=True))
try:
    harness.run_stop_and_go()
except KeyboardInterrupt:
    del harness
    print("interrupted")
"""


if __name__ == "__main__":
    tap.main("/sng/python/vfuncs")
