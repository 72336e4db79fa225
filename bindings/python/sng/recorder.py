# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recorder of a training loop. Without a check around it, it imports nothing and does nothing."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sng.values import UnrecordableError, flatten

Metrics = Mapping[str, Any]


class StopAndGoException(Exception):
    """The check stops the training here. Nothing is wrong: let it end the process."""


class SampleIds(NamedTuple):
    """The samples of a step, for the metric "SampleIds": sng.SampleIds(epoch, ids). The check then also audits, across all stops,
    that each epoch takes each sample once."""

    epoch: int
    ids: Iterable[int]


class Recorder:
    """Records what a training loop did in each step, and stops the process where a check (`sng check`) says so:

        recorder = sng.Recorder()
        for step in range(first, last + 1):
            ...
            recorder.step(step, {"TrainLoss": loss, "ModelWeights": model, "OptimizerState": optimizer})

    A metric is a number, a string, a tensor, a dict or list of these, or an object with state_dict(). In place
    of the dict a function that returns it may be given: it is called only when something is recorded."""

    def __init__(self) -> None:
        self._native: Any = None
        self._environment: dict[str, str] | None = {}  # what the script has set; None: all of it is noted
        if os.environ.get("SNG_RUN_DIR"):
            from sng._gi import Sng
            self._native = Sng.Recorder.new_from_environment()

    @property
    def active(self) -> bool:
        """Whether a check is running this process."""
        return self._native is not None

    @property
    def mode(self) -> str:
        """`continuous`, `stop` or `resume`; `continuous` where no check is."""
        return str(self._native.get_mode().value_nick) if self.active else "continuous"

    @property
    def checkpoint_dir(self) -> str | None:
        """Where the check wants the checkpoints, if it is one: empty when a training starts, as it was when it resumes."""
        return self._native.get_checkpoint_dir() if self.active else None

    def set_environment(self, key: str, value: object) -> None:
        """Notes something that the numbers may depend on beside the program, such as the version of a library. Runs that differ in
        it are flagged before their numbers are compared, so nothing belongs here that is another one each time.

        What PyTorch is set to, its version and the GPU's are noted by themselves, at the first step() or record()."""
        if self._native is None:
            return
        if self._environment is None:
            self._native.set_environment(key, str(value))
        else:
            self._environment[key] = str(value)

    def step(self, step: int, metrics: Metrics | Callable[[], Metrics] | None = None) -> None:
        """Records the step that was just finished and, if the check says so, stops the process: by a
        StopAndGoException, by a signal such as SIGTERM, or by SIGKILL."""
        if self._native is None:
            return
        self._call(self._native.step, step, metrics)

    def record(self, step: int, metrics: Metrics | Callable[[], Metrics], *, stage: str = "train",
               micro_batch: int = -1) -> None:
        """Records more of a step, before step() ends it: its micro-batches, or its validation (stage="validate")."""
        if self._native is None:
            return
        from sng._gi import Sng
        stages = {"train": Sng.Stage.TRAIN, "validate": Sng.Stage.VALIDATE}
        if stage not in stages:
            raise ValueError(f"[recorder] the stage {stage!r} is none of: {', '.join(stages)}")
        self._call(self._native.record, stages[stage], step, micro_batch, metrics)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        from sng._gi import GLib, Sng
        *place, metrics = arguments
        self._note_environment()
        state = to_state(metrics() if callable(metrics) else metrics)
        try:
            function(*place, state)
        except GLib.Error as error:
            if error.matches(Sng.error_quark(), Sng.Error.STOP_AND_GO):
                raise StopAndGoException(error.message) from None
            raise

    def _note_environment(self) -> None:
        """Once, and that late: by now the script has imported and set what it uses."""
        if self._environment is None:
            return
        from sng.environment import describe
        for key, value in {**describe(), **self._environment}.items():
            self._native.set_environment(key, value)
        self._environment = None


def to_state(metrics: Metrics | None) -> Any:
    """The metrics as an Sng.StateDict of METRIC or METRIC/path. Tensors share their memory where that can be."""
    from sng._gi import GLib, Sng
    from sng.tensors import to_tensor
    state = Sng.StateDict()
    if metrics is not None and not isinstance(metrics, Mapping):
        raise TypeError(f"[recorder] the metrics of a step are a dict of names and values, not a {type(metrics).__qualname__}")
    for metric, value in (metrics or {}).items():
        if not isinstance(metric, str) or not metric or "/" in metric:
            raise ValueError(f"[recorder] {metric!r} is no name of a metric: it must be a string without \"/\"")
        if isinstance(value, SampleIds):
            state.set_value(metric, GLib.Variant("(tax)", (int(value.epoch), [int(sample) for sample in value.ids])))
            continue
        for path, leaf in flatten_metric(metric, value):
            key = f"{metric}/{path}" if path else metric
            if key in state:
                raise ValueError(f"[recorder] metric {metric} has two values at {path!r}: "
                                 "keys that only differ in type, or a name with a dot in it")
            try:
                state[key] = leaf if isinstance(leaf, (bool, int, float, str)) else to_tensor(leaf)
            except (TypeError, ValueError, BufferError) as error:
                raise name_metric(metric, UnrecordableError(path, leaf, str(error))) from error
    return state


def name_metric(metric: str, error: UnrecordableError) -> UnrecordableError:
    error.args = (f"[recorder] metric {metric}: {error.args[0].removeprefix('[recorder] ')}",)
    return error


def flatten_metric(metric: str, value: Any) -> Iterator[tuple[str, Any]]:
    """flatten() whose error names the metric."""
    try:
        yield from flatten(value)
    except UnrecordableError as error:
        raise name_metric(metric, error)
