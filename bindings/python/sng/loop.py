# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A harness around any training loop in Python, whoever's it is."""

import json
import os
import sys
from typing import Any

from sng.recorder import Recorder

# What a class may set, and each of them a property of Sng.CommandHarness.
SETTINGS = ("num_steps", "stop_step", "stop_plan", "repeat", "noise_tolerance", "root_dir", "exp_name", "keep_runs", "compare",
            "timeout")


class LoopHarness:
    """Derive from it, and put the whole training into train(), with its own way to save and to load:

        class TestMyLoop(sng.LoopHarness):
            def train(self, mode, recorder):
                state = load(recorder.checkpoint_dir) if mode == "resume" else begin()
                for step in range(state.step + 1, 11):
                    loss = state.advance()
                    save(state, recorder.checkpoint_dir)
                    recorder.step(step, {"TrainLoss": loss, "ModelWeights": state.model})

    Each mode is a process of its own, which imports the file of the class and calls train(). pytest collects
    subclasses whose name begins with Test; without it, run_stop_and_go() returns the report.

    Arguments of the constructor become attributes, in these processes as well: they must be what JSON can hold."""

    #: The last step that is compared; 0: as many as an uninterrupted training records.
    num_steps: int = 0
    #: After which step the training is stopped; 0: half of them.
    stop_step: int = 0
    #: Stops by name or as a list, such as "every" or "4:kill,7"; None: one, at stop_step.
    stop_plan: str | None = None
    #: Whether a second uninterrupted training shows first that training is deterministic.
    repeat: bool = False
    #: Whether what these two differ by is tolerated.
    noise_tolerance: bool = False
    #: Where runs are kept while they are compared; None: a temporary directory.
    root_dir: str | None = None
    #: The name of the runs; None: that of the class.
    exp_name: str | None = None
    #: Whether the runs stay there afterwards.
    keep_runs: bool = False
    #: Globs of files with results that are compared as well.
    compare: list[str] | None = None
    #: The seconds that one run may take; 0: any number.
    timeout: int = 0

    def __init__(self, **settings: Any) -> None:
        for name, value in settings.items():
            if not hasattr(type(self), name):
                raise TypeError(f"[loop] {type(self).__qualname__} has no attribute {name!r} to set: give the class one of that name")
            setattr(self, name, value)
        self.settings = settings
        self._native: Any = None

    def train(self, mode: str, recorder: Recorder) -> None:
        """Trains from the first step to the last. In the mode "resume" it goes on from what is in recorder.checkpoint_dir, in
        "continuous" and "stop" it begins there. recorder.step() is where it is stopped, by an exception that may pass."""
        raise NotImplementedError(f"[loop] {type(self).__qualname__} has no train(). Define train(self, mode, recorder), which trains, "
                                  "saves to recorder.checkpoint_dir and calls recorder.step() after each step")

    def run_stop_and_go(self, cancellable: Any = None) -> Any:
        """Trains, stops, resumes and compares. Returns the Sng.Report."""
        return self._make_native().run_stop_and_go(cancellable)

    def get_report(self) -> Any:
        """The report of the last run, or None."""
        return self._native.get_report() if self._native is not None else None

    def check_metric(self, metric: str) -> bool:
        """Whether a metric passed, for a test of its own: runs the check if none has been, raises what diverged."""
        if not self._native:
            self.run_stop_and_go()
        return bool(self._native.check_metric(metric))

    def get_command(self) -> list[str]:
        """The command that runs one mode, in a process of its own."""
        cls = type(self)
        file = getattr(sys.modules.get(cls.__module__), "__file__", None)
        if "<locals>" in cls.__qualname__ or not file:
            place = "within a function" if file else "in an interactive session"
            raise TypeError(f"[loop] another process cannot import {cls.__qualname__}, which is defined {place}. "
                            "Define it at the top level of a file; what differs between harnesses may be arguments of the constructor")
        request = {"module": cls.__module__, "path": sys.path, "settings": self.settings}
        try:
            text = json.dumps(request, sort_keys=True)
        except TypeError as error:
            raise TypeError(f"[loop] the arguments of {cls.__qualname__}() cannot be passed on to another process: {error}. "
                            "Give numbers, strings, lists and dicts, and make the rest of them in train()") from None
        return [sys.executable, "-m", "sng._worker", os.path.abspath(file), cls.__qualname__, text]

    def _make_native(self) -> Any:
        from sng._gi import Sng
        self._native = Sng.CommandHarness.new(self.get_command())
        for name in SETTINGS:
            value = getattr(self, name)
            if name == "exp_name" and value is None:
                value = type(self).__qualname__
            if value != getattr(LoopHarness, name):
                self._native.set_property(name.replace("_", "-"), os.fspath(value) if isinstance(value, os.PathLike) else value)
        return self._native
