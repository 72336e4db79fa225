#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The conveniences of gi/overrides/Sng.py."""

import struct
import tempfile
import unittest

import gi
gi.require_version("Sng", "1.0")
from gi.repository import Gio, GLib, GObject, Sng
import tap

try:
    import numpy
except ImportError:
    numpy = None


class OptimizerTest(unittest.TestCase):
    def test_steps_over_parameters_anywhere(self):
        parameters = Gio.ListStore.new(Sng.Parameter)
        values = {}
        for name in ("weight", "bias"):
            value = Sng.Tensor.new(Sng.Dtype.F32, [3], None)
            gradient = Sng.Tensor.new(Sng.Dtype.F32, [3], None)
            gradient.set_bytes(GLib.Bytes.new(struct.pack("3f", 1, 1, 1)))
            values[name] = value
            parameters.append(Sng.Parameter.new(name, value, gradient))

        optimizer = Sng.Sgd(parameters=parameters, learning_rate=0.5, momentum=0.5, nesterov=True)
        optimizer.add_group("slow", "bias", weight_decay=0, learning_rate_factor=0.5)
        with self.assertRaisesRegex(GLib.Error, r"\[sgd\]\[group\] slow"):
            optimizer.add_group("slow", "weight", weight_decay=0, learning_rate_factor=0.5)
        optimizer.step()
        self.assertEqual([values[name].get_value(2) for name in ("weight", "bias")], [-0.75, -0.375])
        self.assertEqual(optimizer.get_state()["weight.momentum_buffer"].get_value(0), 1)


class StateDictTest(unittest.TestCase):
    def test_is_a_mapping(self):
        state = Sng.StateDict()
        tensor = Sng.Tensor.new(Sng.Dtype.F32, [2, 3], None)
        values = {"b": True, "i": -2 ** 40, "d": 0.1, "s": "text", "v": GLib.Variant("u", 7)}
        state["t"] = tensor
        for name, value in values.items():
            state[name] = value

        self.assertEqual(list(state), ["t", *values])
        self.assertEqual(len(state), 6)
        self.assertIs(state["t"], tensor)
        self.assertIs(state["b"], True)
        self.assertEqual([state[name] for name in "ids"], [-2 ** 40, 0.1, "text"])
        self.assertEqual(state["v"], 7)
        self.assertEqual(state.lookup_value("i").get_type_string(), "x")
        self.assertEqual(state.lookup_value("d").get_type_string(), "d")
        self.assertIn("t", state)

        del state["t"]
        self.assertNotIn("t", state)
        self.assertEqual(len(state), 5)

    def test_refuses_what_is_not_there(self):
        state = Sng.StateDict()
        with self.assertRaises(KeyError):
            state["absent"]
        with self.assertRaises(KeyError):
            del state["absent"]

    def test_repr(self):
        state = Sng.StateDict()
        state["count"] = 3
        self.assertEqual(repr(state), "<Sng.StateDict {'count': 3}>")


@unittest.skipIf(numpy is None, "needs NumPy")
class TensorTest(unittest.TestCase):
    def test_round_trip(self):
        for dtype in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"):
            for shape in ((), (0,), (4,), (2, 3), (2, 1, 2)):
                array = numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape).astype(dtype)
                tensor = Sng.Tensor.from_numpy(array)
                back = tensor.numpy()
                self.assertEqual((back.dtype, back.shape), (array.dtype, array.shape))
                self.assertTrue((back == array).all())

    def test_reads_any_order(self):
        array = numpy.arange(6.0).reshape(2, 3)
        self.assertTrue((Sng.Tensor.from_numpy(array.T).numpy() == array.T).all())
        self.assertTrue((Sng.Tensor.from_numpy(array.astype(">f8")).numpy() == array).all())

    def test_comes_as_a_copy_and_is_shared(self):
        array = numpy.zeros(3)
        tensor = Sng.Tensor.from_numpy(array)
        array[0] = 1
        tensor.numpy()[1] = 1
        self.assertEqual(tensor.numpy().tolist(), [0, 1, 0])

    def test_refuses_what_has_no_counterpart(self):
        tensor = Sng.Tensor.new(Sng.Dtype.BF16, [2], None)
        with self.assertRaisesRegex(TypeError, "BF16"):
            tensor.numpy()
        with self.assertRaisesRegex(TypeError, "complex128"):
            Sng.Tensor.from_numpy(numpy.zeros(2, dtype=complex))
        with self.assertRaisesRegex(TypeError, "object"):
            Sng.StateDict()["name"] = object()

    def test_repr(self):
        tensor = Sng.Tensor.from_numpy(numpy.zeros((2, 3), dtype="float32"))
        self.assertEqual(repr(tensor), "<Sng.Tensor F32 [2, 3]>")


class ReportTest(unittest.TestCase):
    """The lists and the getters of a report, which need no override."""

    def record(self, name, mode, loss):
        store = Sng.RunStore.create(f"{self.directory.name}/{name}.db")
        store.declare_metric("ValidLoss", Sng.MetricFlags.NONE)
        store.set_info("name", GLib.Variant("s", name))
        store.set_info("checkpoints", GLib.Variant("at", [2, 4]))
        store.set_info("environment", GLib.Variant("a{ss}", {"processor": "abacus"}))
        for step in (2, 4):
            store.append(Sng.Metadata.new(GLib.Variant("a{sv}", {
                "metric": GLib.Variant("s", "ValidLoss"), "stage": GLib.Variant("s", "validate"),
                "step": GLib.Variant("t", step), "micro-batch": GLib.Variant("x", 0), "rank": GLib.Variant("u", 0),
                "path": GLib.Variant("s", ""), "value": GLib.Variant("d", loss)})))
        store.flush()
        return store

    def test_lists_and_getters(self):
        self.directory = tempfile.TemporaryDirectory(prefix="test-report-")
        self.addCleanup(self.directory.cleanup)
        comparison = Sng.Comparison.new(self.record("continuous", Sng.Mode.CONTINUOUS, 1.0))
        comparison.add_segment(Sng.Mode.STOP, self.record("stop-000004", Sng.Mode.STOP, 2.0))
        report = comparison.run()

        self.assertEqual(report.get_verdict(), Sng.Verdict.DIVERGED)
        self.assertEqual([metric.get_name() for metric in report.get_metrics()], ["ValidLoss"])
        self.assertEqual([len(report.get_parts()), len(report.get_faults())], [0, 0])
        self.assertEqual([report.get_title(), report.get_elements(), report.get_notes()], [None, None, []])
        run = report.get_runs()[1]
        self.assertEqual([run.get_name(), run.get_mode()], ["stop-000004", Sng.Mode.STOP])
        self.assertEqual([run.get_checkpoints(), run.get_validations()], [[2, 4], [2, 4]])
        self.assertEqual(run.get_environment().unpack(), {"processor": "abacus"})
        self.assertEqual([run.get_interrupt(), run.get_restored_step()], [None, -1])

        path = f"{self.directory.name}/report"
        for write, file_format in ((report.to_text, Sng.ReportFormat.TEXT), (report.to_json, Sng.ReportFormat.JSON),
                                   (report.to_junit, Sng.ReportFormat.JUNIT), (report.to_tap, Sng.ReportFormat.TAP)):
            report.save(path, file_format)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), write())


class StatefulTest(unittest.TestCase):
    def test_children_do_not_change_their_parent(self):
        class Parent(GObject.Object, Sng.Stateful):
            def do_get_state(self):
                return Sng.StateDict()

        class Child(Parent, Sng.Stateful):
            def do_get_state(self):
                state = super().do_get_state()
                state["more"] = 1
                return state

        with self.assertRaisesRegex(TypeError, "Careless.*Sng.Stateful"):
            class Careless(Parent):
                def do_get_state(self):
                    return None

        self.assertEqual([list(Sng.Stateful.get_state(o)) for o in (Parent(), Child())], [[], ["more"]])


if __name__ == "__main__":
    tap.main("/sng/python/overrides")
