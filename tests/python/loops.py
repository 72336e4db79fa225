# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training loops for test-loop.py, as a user's file would have them."""

import json
import os
import random

import sng


class Loop(sng.LoopHarness):
    """A training that is no more than a generator and a sum."""

    num_steps = 6
    forget = ""  # what a resume forgets
    fail = ""  # the mode in which it fails

    def train(self, mode, recorder):
        path = os.path.join(recorder.checkpoint_dir, "state.json")
        state = {"step": 0, "weight": 0.0}
        random.seed(1)
        if mode == "resume":
            with open(path, encoding="utf-8") as file:
                saved = json.load(file)
            version, words, gauss = saved.pop("random")
            if self.forget != "random":
                random.setstate((version, tuple(words), gauss))
            state = saved
        if mode == self.fail:
            self.raise_in_a_function_of_its_own()
        for step in range(state["step"] + 1, 7):
            state = {"step": step, "weight": state["weight"] + random.random()}
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**state, "random": random.getstate()}, file)
            recorder.step(step, {"ModelWeights": state["weight"], "RngState": list(random.getstate()[1])})

    def raise_in_a_function_of_its_own(self):
        raise RuntimeError("the disk of the user is full")


class Nothing(sng.LoopHarness):
    pass


class Outer:
    class Nested(Loop):
        pass


def make_local():
    class Local(Loop):
        pass

    return Local()
