# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The state of PyTorch's objects as plain dicts. Imports no gi: a training script that nobody checks needs none."""

import random
import sys
from typing import Any

import torch


def get_parameter_names(optimizer: torch.optim.Optimizer, model: torch.nn.Module | None) -> dict[int, str]:
    """The names of the parameters by the numbers that the optimizer's state_dict() gives them."""
    names = {id(value): name for name, value in model.named_parameters()} if model is not None else {}
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    return {i: names.get(id(value), str(i)) for i, value in enumerate(parameters)}


def read_optimizer(optimizer: torch.optim.Optimizer, model: torch.nn.Module | None) -> dict[str, Any]:
    """Its state_dict() with the names of the parameters in place of their numbers."""
    names = get_parameter_names(optimizer, model)
    state = optimizer.state_dict()
    groups = [{**group, "params": [names[i] for i in group["params"]]} for group in state["param_groups"]]
    rest = {key: value for key, value in state.items() if key not in ("state", "param_groups")}
    return {"state": {names[i]: value for i, value in state["state"].items()}, "param_groups": groups, **rest}


def get_numpy_state() -> Any:
    import numpy
    return numpy.random.get_state()


def set_numpy_state(state: Any) -> None:
    import numpy
    numpy.random.set_state(state)


def get_python_state() -> Any:
    version, words, gauss = random.getstate()
    return (version, torch.tensor(words), gauss)


def set_python_state(state: Any) -> None:
    version, words, gauss = state
    random.setstate((version, tuple(words.tolist()), gauss))


def get_cuda_states() -> list[torch.Tensor]:
    """Of each device. None in a training on the processor, where there may be GPUs all the same: to ask them takes their memory,
    and a fork afterwards cannot use them. States that are set before PyTorch has used a GPU wait until it does."""
    states: list[torch.Tensor] = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return states


RNG_STREAMS: dict[str, Any] = {
    "python": (get_python_state, set_python_state),
    "numpy": (get_numpy_state, set_numpy_state),
    "torch": (torch.get_rng_state, torch.set_rng_state),
    "cuda": (get_cuda_states, torch.cuda.set_rng_state_all),
}


def get_rng_streams() -> list[str]:
    """Those that this process uses: a GPU's from when PyTorch has used one."""
    present = {"numpy": "numpy" in sys.modules, "cuda": torch.cuda.is_initialized()}
    return [name for name in RNG_STREAMS if present.get(name, True)]
