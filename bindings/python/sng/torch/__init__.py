# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's objects as those of libsng.

metrics() is for a training loop of your own, and imports nothing but PyTorch. The statefuls save and restore, with
a trainer or a checkpoint store. Model, Optimizer, LrScheduler and DataModule make a PyTorch training
one that an Sng.Trainer runs; sng.StopAndGoHarness wraps what it is given by itself."""

import importlib
from typing import TYPE_CHECKING, Any

from sng.torch.metrics import metrics

if TYPE_CHECKING:
    from sng.torch.statefuls import (GeneratorState as GeneratorState, LoaderState as LoaderState, ModuleState as ModuleState,
                                     ObjectState as ObjectState, OptimizerState as OptimizerState, RngState as RngState,
                                     to_stateful as to_stateful)
    from sng.torch.training import (DataModule as DataModule, LrScheduler as LrScheduler, Model as Model,
                                    Optimizer as Optimizer, to_setup as to_setup)

LAZY = {
    **dict.fromkeys(("GeneratorState", "LoaderState", "ModuleState", "ObjectState", "OptimizerState", "RngState",
                     "to_stateful"), "sng.torch.statefuls"),
    **dict.fromkeys(("DataModule", "LrScheduler", "Model", "Optimizer", "to_setup"), "sng.torch.training"),
}

__all__ = ["metrics", *LAZY]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module 'sng.torch' has no attribute {name!r}")
    return getattr(importlib.import_module(LAZY[name]), name)
