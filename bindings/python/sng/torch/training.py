# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PyTorch training under an Sng.Trainer. Parameters and gradients share their memory with it."""

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from sng._gi import Gio, Sng
from sng.tensors import to_tensor
from sng.torch.codec import decode, encode, to_torch
from sng.torch.reading import get_rng_streams
from sng.torch.statefuls import ModuleState, OptimizerState, RngState, describe
from sng.values import flatten

LOSS_HELP = ("return the loss, a tuple that begins with it, or a dict or an output with \"loss\"; or give "
             "sng.torch.Model(module, forward=function), where function(module, batch) does")


def call(module: torch.nn.Module, batch: Any) -> Any:
    """What a collated batch usually means: a dict are arguments by name, a tuple those by position."""
    if isinstance(batch, Mapping):
        return module(**batch)
    return module(*batch) if isinstance(batch, (list, tuple)) else module(batch)


def get_loss(outputs: Any, module: torch.nn.Module) -> torch.Tensor:
    loss = outputs
    if isinstance(outputs, Mapping):
        loss = outputs.get("loss")
    elif isinstance(outputs, (list, tuple)) and outputs:
        loss = outputs[0]
    elif hasattr(outputs, "loss"):
        loss = outputs.loss
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        raise TypeError(f"[torch] the forward pass of {describe(module)} returned {describe(outputs)} without a loss of one "
                        f"element: {LOSS_HELP}")
    return loss


class Model(Sng.Model, Sng.Stateful):
    """A module. forward(module, batch) computes what is to be minimised, see LOSS_HELP; the default calls the
    module with what the data set gave, collated."""

    def __init__(self, module: torch.nn.Module, forward: Callable[[torch.nn.Module, Any], Any] = call) -> None:
        super().__init__()
        self.module = module
        self.forward_function = forward
        self.state = ModuleState(module)
        self.autocast: torch.dtype | None = None
        self.loss: torch.Tensor | None = None
        self.trained = {name: value for name, value in module.named_parameters() if value.requires_grad}
        if not self.trained:
            raise ValueError(f"[torch] {describe(module)} has no parameter that requires a gradient: nothing can be trained")
        for value in self.trained.values():
            value.grad = torch.zeros_like(value)
        self.gradients = {name: value.grad for name, value in self.trained.items()}
        self.parameters = Gio.ListStore.new(Sng.Parameter)
        for name, value in self.trained.items():
            self.parameters.append(Sng.Parameter.new(name, to_tensor(value), to_tensor(value.grad)))

    def do_get_parameters(self) -> Any:
        return self.parameters

    def do_forward(self, batch: Any, stage: Any) -> Any:
        training = stage == Sng.Stage.TRAIN
        self.module.train(training)
        autocast = torch.autocast(next(iter(self.trained.values())).device.type, dtype=self.autocast, enabled=self.autocast is not None)
        with torch.set_grad_enabled(training), autocast:
            outputs = self.forward_function(self.module, decode(batch, share=True))
            loss = get_loss(outputs, self.module)
        if training:
            self.loss = loss
        result = Sng.StateDict()
        result["loss"] = float(loss.detach())
        for path, leaf in flatten(outputs):
            if isinstance(leaf, torch.Tensor) and leaf.numel() > 1:
                result[path or "output"] = to_tensor(leaf)
        return result

    def do_backward(self, scale: float) -> bool:
        if self.loss is None:
            raise RuntimeError("[torch] backward without a forward pass of the training before it")
        (self.loss * scale).backward()
        self.loss = None
        # PyTorch adds in place; what has replaced a gradient instead is brought back to where the trainer sees it.
        for name, value in self.trained.items():
            if value.grad is not self.gradients[name]:
                if value.grad is not None:
                    self.gradients[name].add_(value.grad)
                value.grad = self.gradients[name]
        return True

    def do_zero_gradients(self) -> bool:
        for name, value in self.trained.items():
            value.grad = self.gradients[name]
            value.grad.zero_()
        return True

    def do_register_state(self, registry: Any) -> bool:
        for name in get_rng_streams():
            registry.add(f"rng/{name}", RngState(name))
        return True

    def do_set_precision(self, precision: Any) -> bool:
        """Mixed precision is torch.autocast."""
        self.autocast = {Sng.Precision.BF16_MIXED: torch.bfloat16, Sng.Precision._16_MIXED: torch.float16}.get(precision)
        return True

    def do_get_state(self) -> Any:
        return self.state.do_get_state()

    def do_check_state(self, state: Any) -> bool:
        return bool(self.state.do_check_state(state))

    def do_set_state(self, state: Any) -> bool:
        return bool(self.state.do_set_state(state))


class Optimizer(Sng.Optimizer, Sng.Stateful):
    """An optimizer of PyTorch's, whose parameters are those of the model."""

    def __init__(self, optimizer: torch.optim.Optimizer, model: Model) -> None:
        known = {id(value): name for name, value in model.trained.items()}
        used = {known.get(id(value), "") for group in optimizer.param_groups for value in group["params"] if value.requires_grad}
        if "" in used:
            raise ValueError(f"[torch] {describe(optimizer)} has parameters that are none of the model's: make it "
                             "from model.parameters() of the module that setup_model returns")
        parameters = Gio.ListStore.new(Sng.Parameter)
        for parameter in model.parameters:
            if parameter.get_name() in used:
                parameters.append(parameter)
        self.optimizer = optimizer
        self.state = OptimizerState(optimizer, model.module)
        self.rates = [group["lr"] for group in optimizer.param_groups]
        super().__init__(parameters=parameters, learning_rate=float(self.rates[0]))

    def do_step(self) -> bool:
        # A scheduler of libsng's knows one rate; the groups keep their proportion.
        rate = self.get_learning_rate()
        if rate != self.optimizer.param_groups[0]["lr"]:
            for group, first in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate if first == self.rates[0] else rate * (first / self.rates[0])
        self.optimizer.step()
        return True

    def do_get_state(self) -> Any:
        return self.state.do_get_state()

    def do_check_state(self, state: Any) -> bool:
        return bool(self.state.do_check_state(state))

    def do_set_state(self, state: Any) -> bool:
        self.state.do_set_state(state)
        self.set_learning_rate(float(self.optimizer.param_groups[0]["lr"]))
        return True


class LrScheduler(Sng.LrScheduler):
    """A scheduler of PyTorch's. It is asked for the rate of any step, so it is stepped until it is there, from its
    beginning where need be; what it needs to know is the number of steps."""

    def __init__(self, scheduler: Any) -> None:
        super().__init__()
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            raise TypeError("[torch] ReduceLROnPlateau follows what is measured, and Sng.Trainer knows schedules of the step only: "
                            "check the training that you have with sng.LoopHarness or sng check")
        self.scheduler = scheduler
        self.position = 0
        self.first = copy.deepcopy(scheduler.state_dict()), self.get_rates()
        self.rates = self.get_rates()

    def get_rates(self) -> list[Any]:
        return [group["lr"] for group in self.scheduler.optimizer.param_groups]

    def set_rates(self, rates: list[Any]) -> None:
        for group, rate in zip(self.scheduler.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def do_compute(self, step: int) -> tuple[bool, float]:
        if step < self.position:
            self.scheduler.load_state_dict(copy.deepcopy(self.first[0]))
            self.position, self.rates = 0, self.first[1]
        # Many compute a rate from the one before, and the optimizer's may be a restored one by now.
        self.set_rates(self.rates)
        with warnings.catch_warnings():  # the optimizer that has made these steps may be that of another process
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            while self.position < step:
                self.scheduler.step()
                self.position += 1
        self.rates = self.get_rates()
        return True, float(self.rates[0])


class DataModule(Sng.DataModule):
    """Data sets that know their length, of any samples that collate (torch's default_collate, unless told otherwise) makes a
    batch of. The trainer says which samples, so that their order is a part of the check. A DataLoader
    gives its data set and its collate_fn."""

    def __init__(self, train: Any, validate: Any = None, collate: Callable[[list[Any]], Any] | None = None) -> None:
        super().__init__()
        collate = collate or getattr(train, "collate_fn", None) or torch.utils.data.default_collate
        self.collate = collate
        self.datasets = {Sng.Stage.TRAIN: get_dataset(train), Sng.Stage.VALIDATE: get_dataset(validate)}
        self.batch_size = getattr(train, "batch_size", None)

    def do_get_n_samples(self, stage: Any) -> int:
        dataset = self.datasets.get(stage)
        return len(dataset) if dataset is not None else 0

    def do_load_batch(self, stage: Any, sample_ids: Any, rng: Any) -> Any:
        numbers = to_torch(sample_ids).tolist()
        dataset = self.datasets[stage]
        batch = encode(self.collate([dataset[i] for i in numbers]))
        batch["sample_ids"] = sample_ids
        batch["n_targets"] = len(numbers)
        return batch


def get_dataset(data: Any) -> Any:
    data = getattr(data, "dataset", data) if isinstance(data, torch.utils.data.DataLoader) else data
    if data is not None and not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise TypeError(f"[torch] {describe(data)} is no data set with a length and numbered samples, which Sng.Trainer needs: "
                        "check a stream with your own loop and sng.LoopHarness, or sng check")
    return data


def to_setup(model: Any, data: Any, optimizer: Any, scheduler: Any = None) -> Any:
    """An Sng.Setup of PyTorch's objects, of libsng's, or of both."""
    if isinstance(model, torch.nn.Module):
        model = Model(model)
    if not isinstance(data, Sng.DataModule):
        data = DataModule(*data) if isinstance(data, (tuple, list)) and len(data) == 2 else DataModule(data)
    if isinstance(optimizer, torch.optim.Optimizer):
        optimizer = Optimizer(optimizer, model)
    if isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler):
        scheduler = LrScheduler(scheduler)
    return Sng.Setup.new(model, data, optimizer, scheduler)
