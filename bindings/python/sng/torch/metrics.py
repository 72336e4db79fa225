# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a step of a PyTorch training is, for a recorder."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch

from sng.torch.reading import RNG_STREAMS, get_rng_streams, read_optimizer


class LazyMetrics(Mapping[str, Any]):
    """A dict that is made when somebody looks into it, which a recorder without a check never does."""

    def __init__(self, collect: Callable[[], dict[str, Any]]) -> None:
        self._collect = collect
        self._collected: dict[str, Any] | None = None

    def _get(self) -> dict[str, Any]:
        if self._collected is None:
            self._collected = self._collect()
        return self._collected

    def __getitem__(self, name: str) -> Any:
        return self._get()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._get())

    def __len__(self) -> int:
        return len(self._get())


def get_learning_rates(optimizer: torch.optim.Optimizer) -> Any:
    """The rate, or those of several groups by their number."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    return rates[0] if len(rates) == 1 else rates


def to_number(value: Any) -> Any:
    """A loss as the number that it is: a report shows that one, and of a tensor its fingerprint."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def read_streams(rng: bool | Iterable[str]) -> dict[str, Any] | None:
    """Of those that are asked for and that this process has."""
    wanted = ("torch", "cuda") if rng is True else rng or ()
    unknown = set(wanted) - set(RNG_STREAMS)
    if isinstance(wanted, str) or unknown:
        raise ValueError(f"[torch] rng={rng!r} is neither True nor False, nor names of: {', '.join(RNG_STREAMS)}")
    return {name: RNG_STREAMS[name][0]() for name in get_rng_streams() if name in wanted} or None


def metrics(*, model: torch.nn.Module | None = None, optimizer: torch.optim.Optimizer | None = None,
            scheduler: Any = None, scaler: Any = None, ema: Any = None, loss: Any = None, inputs: Any = None,
            outputs: Any = None, gradient_norm: Any = None, samples: int | None = None, rng: bool | Iterable[str] = True,
            **others: Any) -> Mapping[str, Any]:
    """The metrics of a step under the names that all of libsng uses, for recorder.step(). They are
    collected when that call asks for them, so without a check this costs nothing. What is left out is not recorded;
    others are metrics of your own.

    rng names the random streams: True are those of PyTorch, which begin alike in every process. Name those of
    Python and NumPy as well, ("python", "numpy", "torch", "cuda"), where the training seeds them."""
    def collect() -> dict[str, Any]:
        states = {
            "ConsumedSamples": samples,
            "SchedulerState": scheduler,
            "LearningRate": get_learning_rates(optimizer) if optimizer is not None else None,
            "GradScalerState": scaler,
            "RngState": read_streams(rng),
            "TrainInput": inputs,
            "TrainOutput": outputs,
            "TrainLoss": to_number(loss),
            "GradientNorm": to_number(gradient_norm),
            "OptimizerState": read_optimizer(optimizer, model) if optimizer is not None else None,
            "ModelWeights": model,
            "EmaState": ema,
        }
        return {**{name: value for name, value in states.items() if value is not None}, **others}
    return LazyMetrics(collect)
