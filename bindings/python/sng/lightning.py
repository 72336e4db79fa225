# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lightning: a callback that records a training, and a harness around ``Trainer.fit (ckpt_path=…)``.

Both work with ``lightning`` and with ``pytorch_lightning``. What is stopped, resumed and
compared is Lightning's own loop with Lightning's own checkpoints: the harness loads nothing by itself.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from sng._frameworks import gradient_norm, learning_rates, optimizer_state, parameter_names, plain, rng_state
from sng.loop import LoopHarness
from sng.recorder import Recorder

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _package_of(model: Any) -> ModuleType:
    """The package that a model belongs to: with both installed, one's Trainer refuses the other's modules."""
    for name in PACKAGES:
        package = sys.modules.get(name)
        if package is not None and isinstance(model, package.LightningModule):
            return package
    raise TypeError(
        f"[lightning] setup_model() gave {type(model).__qualname__!r} as its model, which is no LightningModule of "
        f"{' or '.join(PACKAGES)}. Return (model, data) with a LightningModule first"
    )


def _default_package() -> ModuleType:
    """The package that the program has imported, or else the one that is installed."""
    for name in PACKAGES:
        if name in sys.modules:
            return sys.modules[name]
    for name in PACKAGES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            pass
    raise ModuleNotFoundError("[lightning] neither lightning nor pytorch_lightning is installed: pip install lightning")


class _Hooks:
    """The hooks of Callback. They name no package, so that both can have them.

    A step is over when the next one begins: only then have its validation, the schedules that look
    at it and its checkpoint been. So that is where it is recorded as a whole and where a stop is made.
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        super().__init__()
        self.recorder = Recorder() if recorder is None else recorder
        self._names: dict[int, str] = {}
        self._step = 0
        self._micro_batch = -1
        self._finished: int | None = None  # the step that is over but for what comes before the next one
        self._validation = (-1, 0)  # the step of the last validation batch, and how many there were in that step
        self._validated: set[str] = set()  # the names of what validations have logged
        self._end: dict[str, Any] = {}

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        # Behind the checkpoints and averages of the same hook. A new list: Lightning is just going through the old one.
        trainer.callbacks = [callback for callback in trainer.callbacks if callback is not self] + [self]

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if not self.recorder.active:
            return
        self._names = parameter_names(pl_module)
        self._step = trainer.global_step
        # In a resumed training this is what came back. What a validation changes is not there: where
        # the checkpoint was written before it, the validation is yet to come.
        self.recorder.record(trainer.global_step, self._weights(trainer, pl_module))

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if not self.recorder.active:
            return
        self._finish(trainer)
        step = trainer.global_step + 1
        self._micro_batch = self._micro_batch + 1 if step == self._step else 0
        self._step = step
        metrics = {"RngState": rng_state(), "TrainInput": plain(batch)}
        if self._micro_batch == 0:
            progress = {"epoch": trainer.current_epoch, "batch": batch_idx}
            metrics.update(LoopProgress=progress, **self._states(trainer))
        self.recorder.record(step, metrics, micro_batch=self._micro_batch)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if not self.recorder.active:
            return
        norm = gradient_norm(parameter for group in optimizer.param_groups for parameter in group["params"])
        if norm is not None:
            self._end.setdefault("GradientNorm", {})[str(len(self._end["GradientNorm"]))] = norm

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if not self.recorder.active:
            return
        # A run that is stopped within its first epoch has this metric as well.
        self._end.setdefault("EpochMetrics", {})["epoch"] = float(trainer.current_epoch)
        metrics = _outputs("Train", outputs)
        if metrics:
            self.recorder.record(self._step, metrics, micro_batch=self._micro_batch)
        # In the midst of an accumulation window nothing has changed yet, and an optimizer of several may be more than one step.
        if trainer.global_step >= self._step:
            self._finished = trainer.global_step
            self.recorder.record(trainer.global_step, self._weights(trainer, pl_module))

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if not self.recorder.active or trainer.sanity_checking:
            return
        step, count = self._validation
        count = count + 1 if step == trainer.global_step else 0
        self._validation = (trainer.global_step, count)
        metrics = {"ValidInput": plain(batch), **_outputs("Valid", outputs)}
        self.recorder.record(trainer.global_step, metrics, stage="validate", micro_batch=count)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if self.recorder.active and not trainer.sanity_checking:
            self._validated = set(trainer.callback_metrics)
            self._end["ValidMetrics"] = plain(dict(trainer.callback_metrics))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self.recorder.active:
            metrics = {name: value for name, value in trainer.callback_metrics.items() if name not in self._validated}
            self._end.setdefault("EpochMetrics", {}).update(plain(metrics))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        if self.recorder.active:
            self._finish(trainer)

    def _weights(self, trainer: Any, pl_module: Any) -> dict[str, Any]:
        metrics = {
            "ModelWeights": pl_module.state_dict(),
            "OptimizerState": optimizer_state(trainer.optimizers, self._names),
        }
        averages = {
            str(number): average.state_dict()
            for number, callback in enumerate(trainer.callbacks)
            if (average := getattr(callback, "_average_model", None)) is not None
        }
        return {**metrics, "EmaState": averages} if averages else metrics

    def _states(self, trainer: Any) -> dict[str, Any]:
        """What the end of a step may change after its checkpoint, and what therefore is compared when the next begins."""
        schedules = {str(i): plain(c.scheduler.state_dict()) for i, c in enumerate(trainer.lr_scheduler_configs)}
        callbacks = {c.state_key: plain(c.state_dict()) for c in trainer.callbacks if c is not self and c.state_dict()}
        scaler = plain(trainer.precision_plugin.state_dict())
        found = {"SchedulerState": schedules, "CallbackState": callbacks, "GradScalerState": scaler}
        return {"LearningRate": learning_rates(trainer.optimizers), **{name: value for name, value in found.items() if value}}

    def _finish(self, trainer: Any) -> None:
        if self._finished is None:
            return
        step, self._finished = self._finished, None
        end, self._end = self._end, {}
        self.recorder.step(step, end)


def _outputs(prefix: str, outputs: Any) -> dict[str, Any]:
    """The loss, and whatever else a step returned."""
    if isinstance(outputs, dict):
        outputs = dict(outputs)
        loss = outputs.pop("loss", None)
    else:
        loss, outputs = outputs, None
    found = {prefix + "Loss": loss, prefix + "Output": plain(outputs) if outputs else None}
    return {name: value for name, value in found.items() if value is not None}


_classes: dict[str, type] = {}


def callback_class(package: ModuleType | None = None) -> type:
    """The class Callback of a package, by default of the one that the program uses."""
    package = _default_package() if package is None else package
    if package.__name__ not in _classes:
        body = {"__doc__": Callback_doc, "__module__": __name__}
        _classes[package.__name__] = type("Callback", (_Hooks, package.Callback), body)
    return _classes[package.__name__]


Callback_doc = """Records a training of Lightning's Trainer, step by step, and stops it where the plan says.

Add it to the callbacks of a Trainer; without a plan in the environment it does nothing. A stop is made when a step is
over, with its validation and its checkpoint."""


def __getattr__(name: str) -> Any:
    # Looked up when it is used: which of the two packages is meant shows only then.
    if name == "Callback":
        return callback_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class StopAndGoHarness(LoopHarness):
    """Holds a resumed ``Trainer.fit`` against one that never stopped.

    A subclass says what is trained, and how where the defaults do not fit::

        class TestMine(sng.lightning.StopAndGoHarness):
            num_steps = 8

            def setup_model(self, mode):
                return MyModule(), MyDataModule()
    """

    #: How many steps are trained.
    num_steps = 8
    #: A checkpoint is saved each so many steps.
    checkpoint_interval = 1
    #: All generators are seeded with it before setup_model(), as a training script does; None: they are not.
    seed: int | None = 42

    def setup_model(self, mode: Any) -> tuple[Any, Any]:
        """The LightningModule, and its data: a LightningDataModule, a loader, or loaders for training and validation."""
        raise NotImplementedError(
            f"[lightning] {type(self).__qualname__} has no setup_model(). Define setup_model(self, mode), "
            "which returns (model, data): a LightningModule, and a LightningDataModule or one or two loaders"
        )

    def setup_trainer(self, mode: Any, **defaults: Any) -> Any:
        """The Trainer. To change it, change the defaults and call this one: they are arguments of Trainer."""
        return self.package.Trainer(**defaults)

    def train(self, mode: Any, recorder: Recorder) -> None:
        if self.seed is not None:
            _default_package().seed_everything(self.seed)
        setup = self.setup_model(mode)
        if not isinstance(setup, tuple) or len(setup) != 2:
            raise TypeError(
                f"[lightning] setup_model() gave {type(setup).__qualname__!r}. Return a tuple (model, data)"
            )
        model, data = setup
        self.package = _package_of(model)
        self.checkpoint_dir = recorder.checkpoint_dir
        trainer = self.setup_trainer(mode, **self._defaults())
        if not isinstance(trainer, self.package.Trainer):
            raise TypeError(
                f"[lightning] setup_trainer() gave {type(trainer).__qualname__!r}. Return a Trainer of {self.package.__name__}, "
                "such as super().setup_trainer(mode, **defaults) makes"
            )
        if not any(isinstance(callback, _Hooks) for callback in trainer.callbacks):
            trainer.callbacks.append(callback_class(self.package)(recorder))
        checkpoint = self.find_checkpoint() if mode == "resume" else None
        if isinstance(data, self.package.LightningDataModule):
            trainer.fit(model, datamodule=data, ckpt_path=checkpoint)
        else:
            loaders = data if isinstance(data, tuple) else (data,)
            trainer.fit(model, *loaders, ckpt_path=checkpoint)

    def find_checkpoint(self) -> str:
        """The newest checkpoint: the one with the most steps, of these the one that was written last."""
        def age(path: Path) -> tuple[int, int]:
            return torch.load(path, map_location="cpu", weights_only=False)["global_step"], path.stat().st_mtime_ns

        paths = sorted(Path(self.checkpoint_dir or ".").rglob("*.ckpt"))
        if not paths:
            raise FileNotFoundError(
                f"[lightning] there is no checkpoint in {self.checkpoint_dir} to resume from. Let a ModelCheckpoint write to "
                "self.checkpoint_dir before the stop, as that in setup_trainer()'s defaults does"
            )
        return str(max(paths, key=age))

    def _defaults(self) -> dict[str, Any]:
        checkpoints = self.package.callbacks.ModelCheckpoint(
            dirpath=self.checkpoint_dir, every_n_train_steps=self.checkpoint_interval
        )
        return {
            "max_steps": self.num_steps or -1,
            "default_root_dir": self.checkpoint_dir,
            "callbacks": [checkpoints],
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        }
