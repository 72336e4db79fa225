# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Proves that a training that was stopped and resumed is the same as one that never stopped.

Importing this imports neither gi nor PyTorch nor NumPy: a training script can keep its recorder, which does
nothing until a check runs it. All else is imported when it is first asked for, also every name of the
namespace Sng: sng.Report is Sng.Report. Where both have a name, this one is the package's; the
other is sng.Sng.Recorder."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from sng.recorder import Recorder, SampleIds, StopAndGoException
from sng.values import UnrecordableError, flatten

if TYPE_CHECKING:
    from sng.harness import StopAndGoHarness as StopAndGoHarness

__all__ = ["Recorder", "SampleIds", "StopAndGoException", "UnrecordableError", "flatten"]

LAZY_OBJECTS = {"StopAndGoHarness": "sng.harness", "LoopHarness": "sng.loop"}
LAZY_MODULES = {"harness", "lightning", "loop", "pytest_plugin", "torch", "transformers", "unittest"}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'sng' has no attribute {name!r}")
    if name in LAZY_MODULES:
        return importlib.import_module(f"sng.{name}")
    if name in LAZY_OBJECTS:
        return getattr(importlib.import_module(LAZY_OBJECTS[name]), name)

    from sng._gi import Sng
    if name == "Sng":
        return Sng
    if not hasattr(Sng, name):
        raise AttributeError(f"neither the module 'sng' nor the namespace Sng has an attribute {name!r}")
    return getattr(Sng, name)


def __dir__() -> list[str]:
    """Those of the namespace as well, once something has imported it."""
    known = sys.modules.get("gi.repository.Sng")
    return sorted({*__all__, *LAZY_OBJECTS, *LAZY_MODULES, "Sng", *(dir(known) if known else ())})
