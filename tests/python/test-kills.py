#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kills before the file operations of torch.save: a checkpoint that is renamed survives each of them, one that is written in place does not."""

import os
import pathlib
import sys
import tempfile
import unittest

import gi
gi.require_version("Sng", "1.0")
from gi.repository import Sng  # noqa: E402

import tap  # noqa: E402

TRAINING = """
import os, sys, torch, sng

recorder = sng.Recorder()
torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
path = os.environ["SNG_CHECKPOINT_DIR"] + "/last.pt"
step = 0
if os.path.exists(path):
    state = torch.load(path)
    model.load_state_dict(state["model"])
    if "--forget" not in sys.argv:
        optimizer.load_state_dict(state["optimizer"])
    step = state["step"]
while step < 2:
    step += 1
    loss = model(torch.full((8, 4), float(step))).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    target = path if "--in-place" in sys.argv else path + ".tmp"
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, target)
    if target != path:
        os.replace(target, path)
    recorder.step(step, {"TrainLoss": loss, "ModelWeights": model, "OptimizerState": optimizer})
"""


def has_torch() -> bool:
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


@unittest.skipUnless(has_torch(), tap.NEEDS_TORCH)
class KillsTest(unittest.TestCase):
    def run_kills(self, every: int, *arguments: str) -> tuple[Sng.Verdict, list[tuple[str, str, Sng.KillOutcome]]]:
        with tempfile.TemporaryDirectory(prefix="test-kills-") as work:
            script = pathlib.Path(work, "train.py")
            script.write_text(TRAINING)
            harness = Sng.CommandHarness.new([sys.executable, os.fspath(script), *arguments])
            harness.set_property("kill-every", every)  # each run imports PyTorch
            report = harness.run_kills(None)
        kills = [(kill.get_operation(), kill.get_path(), kill.get_outcome()) for kill in report.get_kills()]
        return report.get_verdict(), kills

    def test_renamed(self) -> None:
        verdict, kills = self.run_kills(4)
        self.assertEqual(verdict, Sng.Verdict.PASS)
        self.assertEqual({outcome for _, _, outcome in kills}, {Sng.KillOutcome.PASS})
        self.assertEqual([kills[0][:2], kills[-1][:2]], [("open", "last.pt.tmp"), ("rename", "last.pt.tmp")])

    def test_in_place(self) -> None:
        verdict, kills = self.run_kills(2, "--in-place", "--forget")
        self.assertEqual(verdict, Sng.Verdict.DIVERGED)
        # Opened it is empty already; and what is complete is resumed without the optimizer's state.
        failed = [operation for operation, path, outcome in kills if outcome == Sng.KillOutcome.HARD_FAIL]
        self.assertTrue(failed and set(failed) <= {"write", "writev"}, kills)
        silent = [operation for operation, path, outcome in kills if outcome == Sng.KillOutcome.SILENT_DIVERGENCE]
        self.assertEqual(silent, ["open"], kills)


if __name__ == "__main__":
    tap.main("/sng/python/kills")
