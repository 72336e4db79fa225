# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's objects as Sng.Stateful: for the registry of a trainer, or a checkpoint of your own.

    checkpoint = Sng.Checkpoint.new(step)
    checkpoint.set_state("optimizer", sng.torch.OptimizerState(optimizer, model).get_state())
"""

from collections.abc import Iterator
from typing import Any

import torch

from sng._gi import GObject, Sng
from sng.torch.codec import decode, encode
from sng.torch.reading import RNG_STREAMS, get_parameter_names, get_rng_streams, read_optimizer
from sng.values import UnrecordableError



def describe(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


class ObjectState(GObject.Object, Sng.Stateful):
    """Anything with state_dict() and load_state_dict(): a scheduler, a GradScaler, a StatefulDataLoader, a sampler."""

    def __init__(self, target: Any) -> None:
        super().__init__()
        for name in ("state_dict", "load_state_dict"):
            if not callable(getattr(target, name, None)):
                raise TypeError(f"[torch] a {describe(target)} has no {name}(), so its state can be neither saved nor compared")
        self.target = target

    def read(self) -> Any:
        return self.target.state_dict()

    def write(self, state: Any) -> None:
        self.target.load_state_dict(state)

    def check(self, state: Any) -> None:
        """Raises ValueError where the state does not fit."""
        own = self.read()
        if isinstance(own, dict) and isinstance(state, dict) and set(own) != set(state):
            raise ValueError(f"[torch][restore] {describe(self.target)}: missing: {sorted(map(str, set(own) - set(state)))}, "
                             f"unknown: {sorted(map(str, set(state) - set(own)))}")

    def do_get_state(self) -> Any:
        try:
            return encode(self.read())
        except UnrecordableError as error:
            raise TypeError(f"[torch] the state of {describe(self.target)}: {error}") from error

    def do_check_state(self, state: Any) -> bool:
        self.check(decode(state))
        return True

    def do_set_state(self, state: Any) -> bool:
        state = decode(state)
        self.check(state)
        self.write(state)
        return True


class ModuleState(ObjectState, Sng.Stateful):
    """Parameters, buffers and extra state of a module; also of an AveragedModel."""

    def read(self) -> Any:
        return dict(self.target.state_dict())

    def check(self, state: Any) -> None:
        super().check(state)
        for name, value in self.read().items():
            if isinstance(value, torch.Tensor) and (value.shape, value.dtype) != (state[name].shape, state[name].dtype):
                raise ValueError(f"[torch][restore] {name!r} is {value.dtype} {list(value.shape)} here, "
                                 f"and {state[name].dtype} {list(state[name].shape)} in the state")


class OptimizerState(ObjectState, Sng.Stateful):
    """The state of each parameter, under its name in the model where that is given, and the parameter groups."""

    def __init__(self, target: torch.optim.Optimizer, model: torch.nn.Module | None = None) -> None:
        super().__init__(target)
        self.model = model

    def read(self) -> Any:
        return read_optimizer(self.target, self.model)

    def check(self, state: Any) -> None:
        super().check(state)
        own = [group["params"] for group in self.read()["param_groups"]]
        saved = [group["params"] for group in state["param_groups"]]
        if own != saved:
            raise ValueError(f"[torch][restore] the parameter groups are {own} here, and {saved} in the state")

    def write(self, state: Any) -> None:
        numbers = {name: i for i, name in get_parameter_names(self.target, self.model).items()}
        groups = [{**group, "params": [numbers[name] for name in group["params"]]} for group in state["param_groups"]]
        numbered = {numbers[name]: value for name, value in state["state"].items()}
        self.target.load_state_dict({**state, "state": numbered, "param_groups": groups})

        # PyTorch casts what it loads to the type of the parameter: moments in f32 of a parameter in bf16.
        parameters = [value for group in self.target.param_groups for value in group["params"]]
        for i, entries in numbered.items():
            for key, value in entries.items():
                loaded = self.target.state[parameters[i]].get(key)
                if isinstance(value, torch.Tensor) and (loaded is None or loaded.dtype != value.dtype):
                    self.target.state[parameters[i]][key] = value.to(parameters[i].device)


class GeneratorState(ObjectState, Sng.Stateful):
    """A torch.Generator."""

    def __init__(self, target: torch.Generator) -> None:
        GObject.Object.__init__(self)
        self.target = target

    def read(self) -> Any:
        return {"state": self.target.get_state()}

    def write(self, state: Any) -> None:
        self.target.set_state(state["state"])


class RngState(ObjectState, Sng.Stateful):
    """A stream of the process: `python` (the module random), `numpy` (numpy.random), `torch` (the processor) or `cuda`
    (each device)."""

    def __init__(self, target: str) -> None:
        GObject.Object.__init__(self)
        if target not in RNG_STREAMS:
            raise ValueError(f"[torch] the stream {target!r} is none of: {', '.join(RNG_STREAMS)}")
        self.target = target

    def read(self) -> Any:
        return {"state": RNG_STREAMS[self.target][0]()}

    def write(self, state: Any) -> None:
        RNG_STREAMS[self.target][1](state["state"])


class LoaderState(ObjectState, Sng.Stateful):
    """A torch.utils.data.DataLoader whose position can be saved, also within an epoch. Iterate over this object in
    place of the loader, once an epoch:

        batches = sng.torch.LoaderState(loader)
        for batch in batches: ...

    After a restore the next iteration goes on behind the last batch that was handed out. It shuffles as the
    interrupted epoch did, and takes the batches before that one out of the loader again, which costs their time."""

    def __init__(self, target: Any) -> None:
        GObject.Object.__init__(self)
        self.target = target
        self.epoch = 0
        self.position = 0
        self.start: dict[str, Any] | None = None  # the streams when the epoch began

    def get_streams(self) -> dict[str, Any]:
        """The state of each generator that may have a say in the order."""
        sampler = getattr(self.target, "sampler", None)
        generators = {"loader": getattr(self.target, "generator", None), "sampler": getattr(sampler, "generator", None)}
        return {"torch": torch.get_rng_state(),
                **{name: generator.get_state() for name, generator in generators.items() if generator is not None}}

    def set_streams(self, streams: dict[str, Any]) -> None:
        torch.set_rng_state(streams["torch"])
        if "loader" in streams:
            self.target.generator.set_state(streams["loader"])
        if "sampler" in streams:
            self.target.sampler.generator.set_state(streams["sampler"])

    def __len__(self) -> int:
        return len(self.target)

    def __iter__(self) -> Iterator[Any]:
        skipped = self.position
        if skipped == 0:
            self.start = self.get_streams()
            iterator = iter(self.target)
        else:
            iterator = self.open_again(skipped)
        for batch in iterator:
            self.position += 1
            yield batch
        self.epoch += 1
        self.position = 0
        self.start = None

    def open_again(self, n_skipped: int) -> Iterator[Any]:
        """The rest of the epoch. The streams of the process stay as they were restored."""
        streams = {name: RngState(name) for name in get_rng_streams()}
        states = {name: stream.read() for name, stream in streams.items()}
        assert self.start is not None
        self.set_streams(self.start)
        if hasattr(self.target.sampler, "set_epoch"):
            self.target.sampler.set_epoch(self.epoch)
        iterator: Iterator[Any] = iter(self.target)
        for _ in range(n_skipped):
            next(iterator)
        for name, stream in streams.items():
            stream.write(states[name])
        return iterator

    def read(self) -> Any:
        return {"epoch": self.epoch, "position": self.position, "start": self.start}

    def write(self, state: Any) -> None:
        self.epoch, self.position, self.start = state["epoch"], state["position"], state["start"]


def to_stateful(value: Any, model: torch.nn.Module | None = None) -> Any:
    """The stateful for an object of PyTorch's; an Sng.Stateful as it is."""
    if isinstance(value, Sng.Stateful):
        return value
    if isinstance(value, torch.nn.Module):
        return ModuleState(value)
    if isinstance(value, torch.optim.Optimizer):
        return OptimizerState(value, model)
    if isinstance(value, torch.Generator):
        return GeneratorState(value)
    if isinstance(value, torch.utils.data.DataLoader) and not hasattr(value, "state_dict"):
        raise TypeError("[torch] a DataLoader keeps no position that could be saved: iterate over "
                        "sng.torch.LoaderState(loader), or use torchdata's StatefulDataLoader")
    return ObjectState(value)
