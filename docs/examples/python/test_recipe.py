# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole stop-and-go test of recipe.py: it is stopped where a checkpoint is, and killed where none is.
Run it with: pytest -v test_recipe.py"""

import pytest

import sng

pytest.importorskip("torch", reason="needs PyTorch")

import recipe  # noqa: E402


class TestRecipe(sng.LoopHarness):
    stop_plan = "3:kill,6"

    def train(self, mode, recorder):
        recipe.train(recorder.checkpoint_dir, report=recorder.step)
