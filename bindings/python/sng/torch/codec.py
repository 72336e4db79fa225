# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nested state, such as a state_dict(), as an Sng.StateDict and back, bit for bit.

Each number, string and tensor is an entry of its own, under its path, so that a report names it. Each dict,
list or tuple is one more, under its path and "~": what is in it, and what each of that is, as JSON."""

import array
import json
from collections.abc import Mapping
from typing import Any

import torch

from sng._gi import Sng
from sng.tensors import to_tensor
from sng.values import INT64, UnrecordableError, join

CONTAINERS = {"dict": dict, "list": list, "tuple": tuple}


def encode(value: Any) -> Any:
    """The value as an Sng.StateDict, whose tensors share the memory of those in it."""
    state = Sng.StateDict()
    kind = encode_into(state, value, "")
    state["~"] = json.dumps(kind)
    return state


def get_name(path: str, kind: str) -> str:
    return f"{path or 'value'}~" if kind in CONTAINERS else path or "value"


def encode_into(state: Any, value: Any, path: str) -> str | list[str]:
    """Adds the value; what it is, and where it is unless that is at its path: {"a.b": 1, "a": {"b": 2}} has one twice."""
    kind, entry = to_entry(value, path)
    if kind == "none":
        return kind
    name = get_name(path, kind)
    while name in state or name == "~":
        name += "'"
    if kind in CONTAINERS:
        state[name] = ""  # the name is taken
        state[name] = json.dumps([[key, encode_into(state, child, join(path, key))] for key, child in entry])
    else:
        state[name] = entry
    return kind if name == get_name(path, kind) else [kind, name]


def to_entry(value: Any, path: str) -> tuple[str, Any]:
    """The kind of a value, and what is stored of it."""
    if value is None:
        return "none", None
    if isinstance(value, torch.Tensor):
        return "torch", to_tensor(value)
    for plain in (bool, float, str):
        if isinstance(value, plain):
            return "value", plain(value)
    if isinstance(value, int):
        return ("value", int(value)) if value in INT64 else ("int", str(value))
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, (str, int, float)):
                raise UnrecordableError(path, key, "a state is saved under keys that are strings or numbers")
        return "dict", list(value.items())
    if isinstance(value, (list, tuple)):
        return ("list" if isinstance(value, list) else "tuple"), list(enumerate(value))
    if hasattr(value, "__array_interface__"):
        return ("numpy" if hasattr(value, "__dlpack__") else "scalar"), Sng.Tensor.from_numpy(value)
    if isinstance(value, bytes):
        return "bytes", to_tensor(array.array("B", value))
    raise UnrecordableError(path, value)


def decode(state: Any, *, share: bool = False) -> Any:
    """What encode() was given, with tensors of its own unless they are to share the memory."""
    if "~" not in state:
        raise ValueError("[torch][restore] the state has no entry '~': sng.torch did not save it")
    return decode_from(state, json.loads(state["~"]), "", share)


def decode_from(state: Any, kind: str | list[str], path: str, share: bool) -> Any:
    if kind == "none":
        return None
    kind, name = (kind, get_name(path, kind)) if isinstance(kind, str) else kind
    if name not in state:
        raise ValueError(f"[torch][restore] the state has no entry {name!r}")
    entry = state[name]
    if kind in CONTAINERS:
        children = [(key, decode_from(state, child, join(path, key), share)) for key, child in json.loads(entry)]
        return dict(children) if kind == "dict" else CONTAINERS[kind](child for _, child in children)
    if kind == "torch":
        return to_torch(entry) if share else to_torch(entry).clone()
    if kind == "numpy":
        return entry.numpy().copy()
    if kind == "scalar":
        return entry.numpy()[()]
    if kind == "bytes":
        return bytes(to_torch(entry).tolist())
    return int(entry) if kind == "int" else entry


def to_torch(tensor: Any) -> torch.Tensor:
    """A tensor that shares the memory where PyTorch may write to it, which is everywhere but in a file that was loaded."""
    if tensor.is_read_only():
        return torch.from_dlpack(tensor.__dlpack__(max_version=(1, 0), copy=True))
    return torch.from_dlpack(tensor)
