# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transformers: a callback that records a training, and a harness around ``Trainer.train (resume_from_checkpoint=True)``.

What is stopped, resumed and compared is Trainer's own loop with Trainer's own checkpoints: the
harness loads nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import ExportableState

from sng._frameworks import gradient_norm, learning_rates, optimizer_state, parameter_names, plain, rng_state
from sng.loop import LoopHarness
from sng.recorder import Recorder

#: What Trainer measures by the clock, and so is never the same twice.
TIMED = ("_runtime", "_per_second", "_time")


class Callback(TrainerCallback):
    """Records a training of Transformers' Trainer, step by step, and stops it where the plan says.

    Add it to the callbacks of a Trainer; without a plan in the environment it does nothing. Trainer shows its
    callbacks neither inputs nor outputs, so these are taken from the calls of the model.

    A step is over when the next one begins: only then have its evaluation and its checkpoint
    been. So that is where it is recorded as a whole and where a stop is made.
    """

    def __init__(self, recorder: Recorder | None = None, trainer: Trainer | None = None, ignore_logged: Iterable[str] = ()) -> None:
        self.trainer = trainer  # its other callbacks are recorded, where they have a state
        self.ignore_logged = frozenset(ignore_logged)
        self.recorder = Recorder() if recorder is None else recorder
        self._names: dict[int, str] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._finished: int | None = None  # the step that is over but for what comes before the next one
        self._end: dict[str, Any] = {}
        self._state: Any = None
        self._handles: list[Any] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self.recorder.active:
            return
        model = kwargs["model"]
        self._names = parameter_names(model)
        self._state = state
        self._handles = [
            model.register_forward_pre_hook(self._before_forward, with_kwargs=True),
            model.register_forward_hook(self._after_forward),
        ]
        # In a resumed training this is what came back.
        self.recorder.record(state.global_step, self._weights(state, kwargs))

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.recorder.active:
            self._finish()
            self.recorder.record(state.global_step + 1, self._states(state, kwargs), micro_batch=0)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.recorder.active:
            norm = gradient_norm(kwargs["model"].parameters())
            if norm is not None:
                self._end["GradientNorm"] = norm

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.recorder.active:
            self._finished = state.global_step
            self.recorder.record(state.global_step, self._weights(state, kwargs))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        if self.recorder.active:
            self._end["ValidMetrics"] = plain(_untimed(metrics))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self.recorder.active:
            kept = {name: value for name, value in _untimed(logs).items() if name not in self.ignore_logged}
            self._end.setdefault("LoggedMetrics", {}).update(plain(kept))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self.recorder.active:
            self._finish()

    def _before_forward(self, model: Any, args: Any, kwargs: Any) -> None:
        stage, step, micro_batch = self._place(model, 1)
        metrics = {"TrainInput" if model.training else "ValidInput": plain({**kwargs, **dict(enumerate(args))})}
        if model.training:
            metrics["RngState"] = rng_state()
        self.recorder.record(step, metrics, stage=stage, micro_batch=micro_batch)

    def _after_forward(self, model: Any, args: Any, output: Any) -> None:
        stage, step, micro_batch = self._place(model, 0)
        prefix = "Train" if model.training else "Valid"
        loss = output.get("loss") if isinstance(output, dict) else None
        logits = output.get("logits") if isinstance(output, dict) else output
        found = {prefix + "Loss": loss, prefix + "Output": plain(logits) if logits is not None else None}
        metrics = {name: value for name, value in found.items() if value is not None}
        if metrics:
            self.recorder.record(step, metrics, stage=stage, micro_batch=micro_batch)

    def _place(self, model: Any, add: int) -> tuple[str, int, int]:
        """The stage, step and number of a call of the model."""
        stage, step = ("train", self._state.global_step + 1) if model.training else ("validate", self._state.global_step)
        count = self._counts.get((stage, step), 0) + add
        self._counts = {(stage, step): count}
        return stage, step, count - 1

    def _weights(self, state: Any, kwargs: Any) -> dict[str, Any]:
        return {
            "ModelWeights": kwargs["model"].state_dict(),
            "OptimizerState": optimizer_state([kwargs["optimizer"]], self._names),
        }

    def _states(self, state: Any, kwargs: Any) -> dict[str, Any]:
        """What the end of a step may change after its checkpoint, and what therefore is compared when the next begins."""
        scheduler = kwargs.get("lr_scheduler")
        kept = ("epoch", "total_flos", "num_input_tokens_seen", "best_metric", "best_global_step", "best_model_checkpoint")
        metrics = {
            "LearningRate": learning_rates([kwargs["optimizer"]]),
            "TrainerState": plain({name: getattr(state, name, None) for name in kept}),
            "SchedulerState": plain(scheduler.state_dict()) if scheduler is not None else None,
            "CallbackState": self._callback_states(),
        }
        return {name: value for name, value in metrics.items() if value not in (None, {})}

    def _callback_states(self) -> dict[str, Any]:
        states: dict[str, Any] = {}
        for callback in self.trainer.callback_handler.callbacks if self.trainer else []:
            if isinstance(callback, ExportableState):
                # By name: one that was restored is another object at another place.
                states.setdefault(type(callback).__name__, []).append(callback.state()["attributes"])
        return dict(plain(states))

    def _finish(self) -> None:
        if self._finished is None:
            return
        step, self._finished = self._finished, None
        end, self._end = self._end, {}
        self.recorder.step(step, end)


def _untimed(metrics: Any) -> dict[str, Any]:
    return {name: value for name, value in (metrics or {}).items() if not name.endswith(TIMED)}


class StopAndGoHarness(LoopHarness):
    """Holds a resumed ``Trainer.train`` against one that never stopped.

    A subclass says what is trained, and how where the defaults do not fit::

        class TestMine(sng.transformers.StopAndGoHarness):
            num_steps = 8

            def setup_model(self, mode):
                return MyModel(), my_dataset
    """

    #: How many steps are trained.
    num_steps = 8
    #: A checkpoint is saved each so many steps.
    checkpoint_interval = 1
    #: All generators are seeded with it before setup_model(), as a training script does.
    seed = 42
    #: Names of logged values that are left out, such as "train_loss", which counts only the steps since the resume.
    ignore_logged: Iterable[str] = ()

    def setup_model(self, mode: Any) -> tuple[Any, ...]:
        """The model and the data set of the training; a third one is the data set of the evaluations."""
        raise NotImplementedError(
            f"[transformers] {type(self).__qualname__} has no setup_model(). Define setup_model(self, mode), "
            "which returns (model, train_dataset) or (model, train_dataset, eval_dataset), or a setup_trainer() that needs none"
        )

    def setup_trainer(self, mode: Any, **defaults: Any) -> Trainer:
        """The Trainer. To change it, change the defaults and call this one: they are arguments of TrainingArguments.
        Or make any other Trainer with them, for which no setup_model() is needed."""
        setup = self.setup_model(mode)
        if not isinstance(setup, tuple) or len(setup) not in (2, 3):
            raise TypeError(
                f"[transformers] setup_model() gave {type(setup).__qualname__!r}. Return a tuple (model, train_dataset) "
                "or (model, train_dataset, eval_dataset)"
            )
        model, train_dataset, *rest = setup
        eval_dataset = rest[0] if rest else None
        return Trainer(model, TrainingArguments(**defaults), train_dataset=train_dataset, eval_dataset=eval_dataset)

    def train(self, mode: Any, recorder: Recorder) -> None:
        set_seed(self.seed)
        self.checkpoint_dir = recorder.checkpoint_dir
        trainer = self.setup_trainer(mode, **self._defaults())
        if not isinstance(trainer, Trainer):
            raise TypeError(
                f"[transformers] setup_trainer() gave {type(trainer).__qualname__!r}. Return a Trainer, such as "
                "super().setup_trainer(mode, **defaults) makes"
            )
        if not any(isinstance(callback, Callback) for callback in trainer.callback_handler.callbacks):
            trainer.add_callback(Callback(recorder, trainer, self.ignore_logged))
        trainer.train(resume_from_checkpoint=True if mode == "resume" else None)

    def _defaults(self) -> dict[str, Any]:
        return {
            "output_dir": self.checkpoint_dir,
            "max_steps": self.num_steps or -1,
            "save_strategy": "steps",
            "save_steps": self.checkpoint_interval,
            "logging_steps": 1,
            "seed": self.seed,
            "report_to": [],
            "disable_tqdm": True,
        }
