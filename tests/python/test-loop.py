# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.LoopHarness: any loop, each mode in a process of its own, and what is told of a user's mistakes."""

import os
import subprocess
import sys
import tempfile
import unittest

import loops
import tap
from gi.repository import GLib

import sng


class TestLoop(unittest.TestCase):
    def test_pass(self):
        harness = loops.Loop()
        self.assertIsNone(harness.get_report())
        report = harness.run_stop_and_go()
        self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())
        self.assertEqual(harness.get_report(), report)
        self.assertEqual(report.lookup_metric("ModelWeights").get_compared(), 6)
        self.assertTrue(harness.check_metric("RngState"))

    def test_fault(self):
        """Arguments reach the processes, and what a resume forgets is found where it is seen first."""
        report = loops.Loop(forget="random", stop_step=2).run_stop_and_go()
        self.assertEqual(report.get_verdict(), sng.Verdict.DIVERGED, report.to_text())
        first = report.get_first_divergence()
        self.assertEqual((first.get_step(), first.get_mode()), (3, sng.Mode.RESUME))

    def test_check_metric(self):
        harness = loops.Loop(forget="random")
        with self.assertRaisesRegex(GLib.Error, "ModelWeights"):
            harness.check_metric("ModelWeights")

    def test_nested_class(self):
        self.assertEqual(loops.Outer.Nested().run_stop_and_go().get_verdict(), sng.Verdict.PASS)

    def test_exception(self):
        """It comes as itself, with the trace from the user's file on."""
        for mode in ("continuous", "stop", "resume"):
            with self.assertRaises(GLib.Error) as caught:
                loops.Loop(fail=mode).run_stop_and_go()
            self.assertTrue(caught.exception.matches(sng.error_quark(), sng.Error.CHILD_FAILED), mode)
            message = caught.exception.message
            self.assertIn(f"[{mode}]", message)
            self.assertIn("RuntimeError: the disk of the user is full", message)
            self.assertIn("in raise_in_a_function_of_its_own", message)
            self.assertNotIn("_worker.py", message)

    def test_no_train(self):
        with self.assertRaisesRegex(GLib.Error, r"Nothing has no train\(\). Define train\(self, mode, recorder\)"):
            loops.Nothing().run_stop_and_go()

    def test_class_in_function(self):
        with self.assertRaisesRegex(TypeError, "within a function. Define it at the top level of a file"):
            loops.make_local().run_stop_and_go()

    def test_interactive(self):
        program = "import sng\nclass Mine(sng.LoopHarness): pass\nMine().run_stop_and_go()"
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertIn("TypeError: [loop] another process cannot import Mine, which is defined in an interactive session", result.stderr)

    def test_arguments(self):
        with self.assertRaisesRegex(TypeError, "Loop has no attribute 'nmu_steps' to set"):
            loops.Loop(nmu_steps=3)
        with self.assertRaisesRegex(TypeError, r"the arguments of Loop\(\) cannot be passed on .* Give numbers, strings"):
            loops.Loop(forget=object()).run_stop_and_go()

    def test_without_check(self):
        """Outside a check train() is only a function."""
        with tempfile.TemporaryDirectory() as directory:
            recorder = sng.Recorder()
            self.assertFalse(recorder.active)
            recorder.__class__ = type("Elsewhere", (sng.Recorder,), {"checkpoint_dir": directory})
            loops.Loop().train("continuous", recorder)
            self.assertEqual(os.listdir(directory), ["state.json"])


if __name__ == "__main__":
    tap.main("/python/loop")
