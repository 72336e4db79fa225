# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the adapters for training frameworks have in common: the state of a training in
PyTorch, as values that a recorder takes."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch


def plain(value: Any) -> Any:
    """The value with nothing in it but what a recorder takes. What has no value of its own becomes the name
    of its type, since what a representation shows may be an address. None, which is often there until a
    number is, is left out; and each number is a float, since many a float begins as the integer 0."""
    if isinstance(value, (bool, str, torch.Tensor)):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return {str(index): plain(item) for index, item in enumerate(value) if item is not None}
    if isinstance(value, (set, frozenset)):
        return plain(sorted(value, key=repr))
    if hasattr(value, "__dlpack__") or hasattr(value, "__array_interface__"):
        return value
    return str(value) if hasattr(value, "__fspath__") else type(value).__qualname__


def rng_state() -> dict[str, Any]:
    """Copies of the states of all random number generators that a training usually draws from."""
    version, words, gauss = random.getstate()
    state: dict[str, Any] = {
        "python": torch.tensor(words, dtype=torch.int64),
        "python-gauss": float("nan") if gauss is None else gauss,
        "cpu": torch.get_rng_state(),
    }
    if "numpy" in sys.modules:
        name, keys, position, has_gauss, cached = sys.modules["numpy"].random.get_state()
        state["numpy"] = torch.tensor(keys.astype("int64"))
        state["numpy-position"] = torch.tensor([position, has_gauss], dtype=torch.int64)
        state["numpy-gauss"] = float(cached)
    if torch.cuda.is_initialized():
        for index, words_of_device in enumerate(torch.cuda.get_rng_state_all()):
            state[f"cuda.{index}"] = words_of_device
    return state


def parameter_names(module: torch.nn.Module) -> dict[int, str]:
    """The names of a module's parameters, by which an optimizer's state is found again whatever the order."""
    return {id(parameter): name for name, parameter in module.named_parameters()}


def optimizer_state(optimizers: Iterable[Any], names: Mapping[int, str]) -> dict[str, Any]:
    """What each optimizer knows of each parameter, and the settings of its groups."""
    state: dict[str, Any] = {}
    for number, optimizer in enumerate(optimizers):
        for group_number, group in enumerate(optimizer.param_groups):
            settings = {key: plain(value) for key, value in group.items() if key != "params"}
            state[f"{number}.group.{group_number}"] = settings
            for index, parameter in enumerate(group["params"]):
                name = names.get(id(parameter), f"group.{group_number}.{index}")
                # .get, since merely asking would make an entry.
                state[f"{number}.{name}"] = plain(optimizer.state.get(parameter, {}))
    return state


def learning_rates(optimizers: Iterable[Any]) -> dict[str, float]:
    """The learning rate of each group of each optimizer."""
    return {
        f"{number}.{group_number}": float(group["lr"])
        for number, optimizer in enumerate(optimizers)
        for group_number, group in enumerate(optimizer.param_groups)
    }


def gradient_norm(parameters: Iterable[torch.nn.Parameter]) -> torch.Tensor | None:
    """The norm of all gradients together, or None where there are none."""
    norms = [torch.linalg.vector_norm(parameter.grad) for parameter in parameters if parameter.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms)) if norms else None
