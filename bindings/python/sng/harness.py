# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness that a test derives from: class attributes, and methods with plain names."""

import os
import random
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from sng import _child, environment
from sng._gi import Gio, GLib, Sng

SETUP_HELP = "return (model, data, optimizer), or with a learning-rate scheduler as the fourth"
TRAINER_HELP = "return an Sng.Trainer, or leave setup_trainer out: super().setup_trainer(mode) makes the default one"

# Each class attribute of the harness is a property of the same name.
SETTINGS = {spec.name.replace("-", "_"): spec.default_value for spec in Sng.Harness.list_properties()
            if spec.flags & 2}  # GObject.ParamFlags.WRITABLE


def describe(value: object) -> str:
    """Its type, with an article."""
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


class Setting:
    """A property of an instance; on a class, what its instances will begin with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, harness: Any, owner: Any) -> Any:
        return owner.get_setting(self.name) if harness is None else harness.get_property(self.name)

    def __set__(self, harness: Any, value: Any) -> None:
        harness.set_property(self.name, os.fspath(value) if isinstance(value, os.PathLike) else value)


class StopAndGoHarness(Sng.Harness):
    """Derive from it, set what differs from the defaults, and implement setup_model():

        class TestMyModel(sng.StopAndGoHarness):
            num_steps = 10
            val_check_interval = 4

            def setup_model(self, mode):
                model = torch.nn.Linear(8, 1)
                ...
                return model, dataset, torch.optim.AdamW(model.parameters(), lr=self.lr)

    Model, data and optimizer are PyTorch's or subclasses of Sng.Model, Sng.DataModule and Sng.Optimizer. pytest
    collects subclasses whose name begins with Test; without it, run_stop_and_go() returns the report.

    Each mode runs in a process of its own, which imports the file of the class and nothing else of the program."""

    extra_metrics_dict: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    settings: ClassVar[dict[str, Any]] = {}

    num_steps: int
    val_check_interval: int
    limit_val_batches: int
    lr: float
    precision: str
    seed: int
    micro_batch_size: int
    accumulate_grad_batches: int
    gradient_clip_norm: float
    n_threads: int
    train_val_output_atol: float
    other_output_atol: float
    exp_name: str
    root_dir: str | os.PathLike[str] | None
    metadata_dir: str | os.PathLike[str] | None
    stop_step: int
    stop_plan: str | None
    isolation: Any
    repeat: bool
    keep_runs: bool
    device: str
    resume_device: str | None
    command: list[str] | None
    jobs: int
    horizon: int
    stress: Any
    coverage_policy: Any
    noise_tolerance: bool
    drill_down: bool

    def __new__(cls, *arguments: Any, **properties: Any) -> Any:
        harness = super().__new__(cls)
        harness.arguments = arguments, properties  # for the same one in another process
        return harness

    def __init_subclass__(cls) -> None:
        cls.settings = {name: cls.__dict__[name] for name in SETTINGS
                        if name in cls.__dict__ and not isinstance(cls.__dict__[name], Setting)}
        for name in cls.settings:
            delattr(cls, name)
        super().__init_subclass__()

    @classmethod
    def get_setting(cls, name: str) -> Any:
        for base in cls.__mro__:
            settings: dict[str, Any] = getattr(base, "settings", {})
            if name in settings:
                return settings[name]
        return cls.__name__ if name == "exp_name" else SETTINGS[name]

    def __init__(self, **properties: Any) -> None:
        settings: dict[str, Any] = {"exp_name": type(self).__name__}
        for base in reversed(type(self).__mro__):
            settings.update(getattr(base, "settings", {}))
        super().__init__(**{name: os.fspath(value) if isinstance(value, os.PathLike) else value
                            for name, value in {**settings, **properties}.items() if value is not None})
        self._noted: frozenset[str] = frozenset()  # the facts of the environment that the first run had
        for name, function in self.extra_metrics_dict.items():
            self.add_metric(name, to_metric_function(name, function))

    # What a subclass implements

    def setup_model(self, mode: Any) -> Any:
        """Builds what is trained, the same in each mode: a tuple of model, data, optimizer and, if there is one, scheduler.
        Random streams begin at the seed of the harness."""
        raise NotImplementedError(f"[harness] {type(self).__name__} does not implement setup_model(self, mode): {SETUP_HELP}")

    def setup_trainer(self, mode: Any) -> Any:
        """Makes the trainer; the default has the settings of the harness."""
        return Sng.Harness.do_setup_trainer(self, mode)

    def get_default_callbacks(self) -> list[Any]:
        """The callbacks, one a metric. Extend the list of super()."""
        return list(Sng.Harness.do_get_default_callbacks(self))

    def setup(self) -> None:
        """Prepares what the modes share, in each process that runs one."""

    def teardown(self) -> None:
        """Undoes setup()."""

    def restore(self, trainer: Any, checkpoint: Any) -> None:
        """Puts the state back when RESUME begins."""
        trainer.restore(checkpoint)

    # What libsng calls

    def do_setup(self) -> bool:
        self.setup()
        return True

    def do_teardown(self) -> bool:
        self.teardown()
        return True

    def do_restore(self, trainer: Any, checkpoint: Any) -> bool:
        self.restore(trainer, checkpoint)
        return True

    def do_setup_model(self, mode: Any) -> Any:
        seeded = seed_streams(self.get_property("seed"), set())
        parts = self.setup_model(mode)
        seed_streams(self.get_property("seed"), seeded)
        facts = environment.describe()
        # What one run has loaded is there when the next begins in its process, and no difference between them.
        self._noted = self._noted or frozenset(facts)
        for key in self._noted & facts.keys():
            self.set_environment(key, facts[key])
        return to_setup(self, parts)

    def do_setup_trainer(self, mode: Any) -> Any:
        trainer = self.setup_trainer(mode)
        if not isinstance(trainer, Sng.Trainer):
            raise TypeError(f"[harness] {type(self).__name__}.setup_trainer returned {describe(trainer)}: {TRAINER_HELP}")
        return trainer

    def do_get_default_callbacks(self) -> Any:
        callbacks = self.get_default_callbacks()
        place = f"[harness] {type(self).__name__}.get_default_callbacks"
        if callbacks is None or isinstance(callbacks, (str, dict)) or not hasattr(callbacks, "__iter__"):
            raise TypeError(f"{place} returned {describe(callbacks)}: return a list of Sng.Callback, such as "
                            "[*super().get_default_callbacks(), MyCallback()]")
        store = Gio.ListStore.new(Sng.Callback)
        for callback in callbacks:
            if not isinstance(callback, Sng.Callback):
                raise TypeError(f"{place} returned a list with {describe(callback)} in it, which is no Sng.Callback")
            store.append(callback)
        return store

    # What runs it

    def get_metric_names(self) -> list[str]:
        """The metrics that a report will have, as far as that is known without a run."""
        return [callback.get_metric() for callback in self.get_default_callbacks()] + list(self.extra_metrics_dict)

    def run_stop_and_go(self, cancellable: Any = None) -> Any:
        """Trains, stops, resumes and compares. Returns the Sng.Report; raises what an implementation raised."""
        return self.run(super().run_stop_and_go, cancellable)

    def run_sweep(self, cancellable: Any = None) -> Any:
        """As run_stop_and_go(), with a resume from every step."""
        return self.run(super().run_sweep, cancellable)

    def run_faults(self, ids: list[str] | None = None, cancellable: Any = None) -> Any:
        """Plants faults and reports which ones the check finds."""
        return self.run(super().run_faults, ids, cancellable)

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if not Sng.Harness.is_child() and not self.get_property("command"):
            command = _child.get_command(self)
            if command is None and "PYTEST_CURRENT_TEST" in os.environ and self.get_property("isolation") != Sng.Isolation.NONE:
                raise TypeError(f"[harness] another process cannot make {describe(self)} like this one: define it at the "
                                "top of a file, with arguments that can be pickled; or set isolation = sng.Isolation.NONE")
            self.set_property("command", command)
        try:
            return function(*arguments)
        except GLib.Error as error:
            original = Sng.find_exception(error)
            if original is not None:
                raise original from None
            raise


for _name in SETTINGS:
    setattr(StopAndGoHarness, _name, Setting(_name))


def to_metric_function(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The value of a metric is a number or a string; a tensor of one element is its number."""
    def compute(trainer: Any) -> Any:
        value = function(trainer)
        value = value.item() if hasattr(value, "item") else value
        for kind, code in ((bool, "b"), (int, "x"), (float, "d"), (str, "s")):
            if isinstance(value, kind):
                return GLib.Variant(code, value)
        raise TypeError(f"[harness] the metric {name} is {describe(value)}: return a number or a string")
    return compute


def seed_streams(seed: int, seeded: set[str]) -> set[str]:
    """Those of the modules that are there and not seeded yet; two processes would begin at different places otherwise."""
    present = {name for name in ("random", "numpy", "torch") if name in sys.modules} - seeded
    if "random" in present:
        random.seed(seed)
    if "numpy" in present:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in present:
        sys.modules["torch"].manual_seed(seed)
    return seeded | present


def to_setup(harness: StopAndGoHarness, parts: Any) -> Any:
    """What setup_model returned as an Sng.Setup, or an error that says which part is wrong."""
    place = f"[harness] {type(harness).__name__}.setup_model returned"
    if isinstance(parts, Sng.Setup):
        return parts
    if not isinstance(parts, (tuple, list)) or len(parts) not in (3, 4):
        count = f" of {len(parts)}" if isinstance(parts, (tuple, list)) else ""
        raise TypeError(f"{place} {describe(parts)}{count}: {SETUP_HELP}")

    model, data, optimizer, scheduler = (*parts, None)[:4]
    torch: Any = sys.modules.get("torch")
    expected: list[tuple[str, Any, Any, Any]] = [
        ("model", model, Sng.Model, lambda: torch.nn.Module),
        ("optimizer", optimizer, Sng.Optimizer, lambda: torch.optim.Optimizer),
        ("scheduler", scheduler, Sng.LrScheduler, lambda: (torch.optim.lr_scheduler.LRScheduler, type(None))),
        ("data", data, Sng.DataModule, lambda: (torch.utils.data.Dataset, torch.utils.data.DataLoader, tuple, list)),
    ]
    for name, value, own, foreign in expected:
        if isinstance(value, own) or torch is not None and isinstance(value, foreign()):
            continue
        if value is None and name == "scheduler":
            continue
        raise TypeError(f"{place} {describe(value)} as the {name}, which is neither an Sng.{own.__name__} nor PyTorch's: {SETUP_HELP}")

    if all(isinstance(value, own) for _, value, own, _ in expected if value is not None):
        return Sng.Setup.new(model, data, optimizer, scheduler)

    from sng.torch.training import to_setup as to_torch_setup
    setup = to_torch_setup(model, data, optimizer, scheduler)
    size = getattr(setup.get_data_module(), "batch_size", None)
    if size is not None and size != harness.get_property("micro-batch-size"):
        raise ValueError(f"{place} a DataLoader with batch_size {size}, but micro_batch_size of the harness is "
                         f"{harness.get_property('micro-batch-size')}: set micro_batch_size = {size}")
    return setup
