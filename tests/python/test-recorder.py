#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.Recorder and sng.flatten: what a training script keeps for good."""

import array
import collections
import enum
import os
import platform
import random
import subprocess
import sys
import tempfile
import unittest

import sng
from sng import environment
from sng.recorder import to_state
import tap

try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

needs_numpy = unittest.skipUnless(numpy, "needs NumPy")
needs_torch = unittest.skipUnless(torch, tap.NEEDS_TORCH)


class Color(enum.Enum):
    RED = 1


class WithState:
    def __init__(self, state):
        self.state = state

    def state_dict(self):
        return self.state


class FlattenTest(unittest.TestCase):
    def test_paths(self):
        value = {"a": [1, 2.5, {"b": None}], 3: "x", "c": (True, Color.RED)}
        self.assertEqual(list(sng.flatten(value)), [
            ("a.0", 1), ("a.1", 2.5), ("a.2.b", "None"), ("3", "x"), ("c.0", True), ("c.1", "RED")])

    def test_a_leaf_has_no_path(self):
        for value in (1, 2.5, "x", True):
            self.assertEqual(list(sng.flatten(value)), [("", value)])
        self.assertEqual(list(sng.flatten(None)), [("", "None")])
        self.assertEqual(list(sng.flatten({})), [])

    def test_objects_with_state(self):
        self.assertEqual(list(sng.flatten({"o": WithState({"x": WithState([1])})})), [("o.x.0", 1)])
        paths = dict(sng.flatten(random.Random(1)))
        self.assertEqual(list(paths), ["0", "1", "2"])
        self.assertEqual(paths["1"], array.array("q", random.Random(1).getstate()[1]))
        self.assertEqual(list(sng.flatten(collections.OrderedDict(a=1))), [("a", 1)])

    def test_numbers_that_no_entry_holds(self):
        self.assertEqual(list(sng.flatten(2**63)), [("", str(2**63))])
        self.assertEqual(list(sng.flatten(-2**63)), [("", -2**63)])
        self.assertEqual(list(sng.flatten(1 + 2j)), [("real", 1.0), ("imag", 2.0)])

    def test_many_numbers_are_one_tensor(self):
        (path, leaf), = sng.flatten(list(range(20)))
        self.assertEqual((path, leaf), ("", array.array("q", range(20))))
        self.assertEqual(len(list(sng.flatten([*range(19), "x"]))), 20)
        self.assertEqual(len(list(sng.flatten([*range(19), True]))), 20)

    def test_refuses(self):
        class Loop:
            def state_dict(self):
                return self

        endless = []
        endless.append(endless)
        for value, pattern in (({"a": [object()]}, r"at 'a\.0': object cannot"), ({"s": {1}}, "at 's': set .*no order"),
                               (endless, "contains itself"), (print, "builtin_function_or_method"),
                               (Loop(), "Loop cannot be recorded"), (WithState, "type cannot be recorded")):
            with self.subTest(pattern), self.assertRaisesRegex(sng.UnrecordableError, pattern):
                list(sng.flatten(value))


class StateTest(unittest.TestCase):
    """Metrics as the state dictionary that C takes."""

    def test_keys(self):
        state = to_state({"Loss": 0.5, "Weights": {"layer.bias": 1, "x": [2]}})
        self.assertEqual({name: state[name] for name in state}, {"Loss": 0.5, "Weights/layer.bias": 1, "Weights/x.0": 2})

    def test_values_keep_their_type(self):
        state = to_state({"b": True, "i": 1, "d": 1.0, "s": "é", "y": b"\x00\xff"})
        self.assertEqual([state.lookup_value(name).get_type_string() for name in "bids"], ["b", "x", "d", "s"])
        self.assertEqual(state["y"].describe(), "U8 [2]")

    def test_sample_ids(self):
        """As the audit of samples takes them; in a tuple of one's own they are two entries."""
        state = to_state({"SampleIds": sng.SampleIds(3, array.array("i", [5, 7]))})
        self.assertEqual(state.lookup_value("SampleIds").print_(True), "(uint64 3, [int64 5, 7])")
        self.assertEqual(list(to_state({"SampleIds": (3, 5)})), ["SampleIds/0", "SampleIds/1"])

    def test_errors_name_metric_path_and_type(self):
        with self.assertRaisesRegex(TypeError, r"metric Mine: at 'x\.1': object cannot be recorded"):
            to_state({"Mine": {"x": [1, object()]}})
        with self.assertRaisesRegex(ValueError, "metric Mine has two values at '1'"):
            to_state({"Mine": {1: 1, "1": 2}})
        for name in ("", "a/b", 3):
            with self.subTest(name), self.assertRaisesRegex(ValueError, "no name of a metric"):
                to_state({name: 1})
        with self.assertRaisesRegex(TypeError, "not a list"):
            to_state([1])

    @needs_numpy
    def test_numpy(self):
        array_ = numpy.arange(6, dtype="float32").reshape(2, 3)
        state = to_state({"a": array_, "t": array_.T, "s": numpy.float32(3), "z": numpy.array(2), "e": numpy.empty((0, 3)),
                          "r": numpy.broadcast_to(numpy.ones(2), (3, 2)), "b": numpy.ones(3, bool), "h": numpy.ones(2, ">f8"),
                          "c": numpy.ones(2, complex), "m": numpy.zeros(1, "datetime64[s]"), "f": numpy.float64(0.5)})
        self.assertEqual({name: state[name].describe() for name in state if name != "f"}, {
            "a": "F32 [2, 3]", "t": "F32 [3, 2]", "s": "F32 []", "z": "I64 []", "e": "F64 [0, 3]", "r": "F64 [3, 2]",
            "b": "BOOL [3]", "h": "F64 [2]", "c": "F64 [2, 2]", "m": "I64 [1]"})
        self.assertEqual(state["f"], 0.5)
        self.assertEqual(state["t"].numpy().tolist(), array_.T.tolist())
        self.assertTrue(numpy.shares_memory(state["a"].numpy(), array_))
        with self.assertRaisesRegex(TypeError, "metric a: numpy.ndarray cannot be recorded: an array of NumPy's <U1"):
            to_state({"a": numpy.array(["x"])})

    @needs_numpy
    def test_random_streams(self):
        for stream in (random.Random(1), numpy.random.default_rng(1), numpy.random.RandomState(1)):
            with self.subTest(stream):
                before = to_state({"r": stream}).compute_fingerprint().to_string()
                self.assertEqual(to_state({"r": stream}).compute_fingerprint().to_string(), before)
                stream.random()
                self.assertNotEqual(to_state({"r": stream}).compute_fingerprint().to_string(), before)

    @needs_torch
    def test_torch(self):
        weight = torch.nn.Parameter(torch.arange(6.).reshape(2, 3))
        values = {"p": weight, "l": weight.sum(), "t": weight.t(), "n": weight[:, ::2], "z": torch.tensor(1),
                  "e": torch.empty(0, 3), "h": torch.ones(2, dtype=torch.bfloat16), "b": torch.ones(2, dtype=torch.bool),
                  "c": torch.ones(2, dtype=torch.complex64).conj(), "w": torch.ones(2, dtype=torch.complex128),
                  "f": torch.ones(3, dtype=torch.float8_e5m2), "g": torch.Generator()}
        state = to_state(values)
        self.assertEqual({name: state[name].describe() for name in state}, {
            "p": "F32 [2, 3]", "l": "F32 []", "t": "F32 [3, 2]", "n": "F32 [2, 2]", "z": "I64 []", "e": "F32 [0, 3]",
            "h": "BF16 [2]", "b": "BOOL [2]", "c": "C64 [2]", "w": "F64 [2, 2]", "f": "F8_E5M2 [3]", "g": "U8 [5056]"})
        self.assertEqual(state["p"].get_data(), weight.data_ptr())
        self.assertEqual(state["n"].numpy().tolist(), [[0, 2], [3, 5]])
        self.assertEqual(state["c"].numpy().tolist(), [1 + 0j] * 2)

    @needs_torch
    def test_torch_refuses(self):
        for value, pattern in ((torch.ones(2, 2).to_sparse(), "layout torch.sparse_coo"), (torch.ones(2, device="meta"), "device meta")):
            with self.subTest(pattern), self.assertRaisesRegex(TypeError, f"metric m: torch.Tensor cannot be recorded: .*{pattern}"):
                to_state({"m": value})

    @needs_torch
    def test_torch_objects(self):
        model = torch.nn.BatchNorm1d(2)
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(2, 2)).sum().backward()
        optimizer.step()
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        names = set(to_state({"M": model, "O": optimizer, "S": scheduler}))
        self.assertLessEqual({"M/weight", "M/running_mean", "M/num_batches_tracked", "O/state.0.exp_avg_sq", "O/param_groups.0.lr",
                              "S/last_epoch"}, names)


SCRIPT = """
import sys
import sng
recorder = sng.Recorder()
print(recorder.active, recorder.mode, recorder.checkpoint_dir)
for step in range(1, 5):
    recorder.record(step, {"Loss": 2.0}, stage="validate", micro_batch=0)
    recorder.step(step, lambda: {"Loss": 1.0 / step, "Count": COUNT})
print("ended")
"""


class ProcessTest(unittest.TestCase):
    """A script under the environment of a check."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def run_script(self, count="step", script=SCRIPT, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNG_")}
        return subprocess.run([sys.executable, "-c", script.replace("COUNT", count)], capture_output=True, text=True,
                              env={**environment, **variables})

    def read(self):
        store = sng.RunStore.open(os.path.join(self.directory, "rank-00000.db"))
        return [(entry.get_step(), entry.get_value().unpack()) for entry in store.query("Loss", 0, 100)
                if entry.get_stage() == sng.Stage.TRAIN]

    def test_without_a_check_nothing_is_imported(self):
        script = SCRIPT + "assert not {'gi', 'numpy', 'torch', 'sng._gi', 'sng.tensors'} & set(sys.modules), sys.modules.keys()"
        process = self.run_script(script=script, count="object()")
        self.assertEqual((process.stdout, process.stderr), ("False continuous None\nended\n", ""))

    def test_records(self):
        process = self.run_script(SNG_RUN_DIR=self.directory, SNG_MODE="resume", SNG_CHECKPOINT_DIR="/x")
        self.assertEqual((process.stdout, process.stderr), ("True resume /x\nended\n", ""))
        self.assertEqual(self.read(), [(step, 1 / step) for step in range(1, 5)])

    def read_environment(self):
        store = sng.RunStore.open(os.path.join(self.directory, "rank-00000.db"))
        return store.get_info("environment").unpack()

    def test_notes_what_it_ran_in(self):
        script = SCRIPT.replace("for step", "recorder.set_environment('dataset', 7)\nfor step", 1)
        self.run_script(script=script + "recorder.set_environment('late', 'x')\nrecorder.step(5, {'Loss': 0.2, 'Count': 1})\n",
                        SNG_RUN_DIR=self.directory, SNG_MODE="continuous", NVIDIA_TF32_OVERRIDE="0")
        noted = self.read_environment()
        self.assertEqual(list(noted), sorted(noted))
        self.assertEqual([noted[key] for key in ("dataset", "late", "NVIDIA_TF32_OVERRIDE", "python")],
                         ["7", "x", "0", platform.python_version()])
        self.assertNotIn("torch", noted)

    @needs_torch
    def test_notes_what_pytorch_is_set_to(self):
        script = SCRIPT.replace("recorder = ", "import torch\nrecorder = ", 1)
        settings = "torch.use_deterministic_algorithms(True)\ntorch.set_num_threads(3)\ntorch.backends.cudnn.benchmark = True\n"
        self.run_script(script=script.replace("for step", settings + "for step", 1), SNG_RUN_DIR=self.directory, SNG_MODE="continuous")
        noted = self.read_environment()
        self.assertEqual(noted["torch"], torch.__version__)
        self.assertEqual([noted[f"torch.{key}"] for key in
                          ("deterministic-algorithms", "threads", "cudnn.benchmark", "cudnn.deterministic", "float32-matmul-precision")],
                         ["true", "3", "true", "false", "highest"])
        self.assertIn("torch.matmul.allow-tf32", noted)

    def test_a_setting_that_cannot_be_read_is_left_out(self):
        def mixed():
            raise RuntimeError("the old and the new way are mixed")

        class Newer:
            pass

        self.assertIsNone(environment.read_setting(mixed))
        self.assertIsNone(environment.read_setting(lambda: Newer().allow_tf32))
        self.assertEqual(environment.read_setting(lambda: False), "false")

    def test_stops(self):
        for kind, status, error in (("raise", 1, "sng.recorder.StopAndGoException: "), ("preempt", -15, ""), ("kill", -9, "")):
            with self.subTest(kind), tempfile.TemporaryDirectory() as self.directory:
                process = self.run_script(SNG_RUN_DIR=self.directory, SNG_MODE="stop", SNG_STOP_AT="2", SNG_STOP_KIND=kind)
                self.assertEqual(process.returncode, status, process.stderr)
                self.assertIn(error, process.stderr)
                self.assertNotIn("ended", process.stdout)
                self.assertEqual([step for step, _ in self.read()], [1, 2])

    def test_a_metric_under_two_types(self):
        process = self.run_script("1 if step < 3 else 'three'", SNG_RUN_DIR=self.directory, SNG_MODE="continuous")
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr.splitlines()[-1], r"Count.*step 3")

    def test_what_cannot_be_recorded(self):
        process = self.run_script("object()", SNG_RUN_DIR=self.directory, SNG_MODE="continuous")
        self.assertIn("UnrecordableError: [recorder] metric Count: object cannot be recorded: give numbers", process.stderr)

    def test_an_environment_that_makes_no_sense(self):
        process = self.run_script(SNG_RUN_DIR=self.directory, SNG_MODE="sometimes")
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr.splitlines()[-1], "sometimes")

    def test_unknown_stage(self):
        process = self.run_script(script=SCRIPT.replace('"validate"', '"test"'), SNG_RUN_DIR=self.directory, SNG_MODE="continuous")
        self.assertIn("ValueError: [recorder] the stage 'test' is none of: train, validate", process.stderr)


if __name__ == "__main__":
    tap.main("/sng/python/recorder")
