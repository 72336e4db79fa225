# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be recorded, taken apart into named numbers, strings and tensors.

Nothing here imports NumPy or PyTorch: their objects are known by what they can do."""

import array
import enum
from collections.abc import Iterator, Mapping
from typing import Any

# A long list of numbers, such as the state of a Mersenne Twister, is one tensor and not as many entries.
MANY = 16
MAX_DEPTH = 64

INT64 = range(-2**63, 2**63)

WHAT_CAN = ("give numbers, strings, None, tensors (by DLPack: PyTorch, NumPy, ...), dicts and lists of these, or "
            "objects with state_dict()")


class UnrecordableError(TypeError):
    """A value that no record can hold. The message names where it is, and its type."""

    def __init__(self, path: str, value: object, reason: str = "") -> None:
        self.path = path
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        place = f"at {path!r}: " if path else ""
        super().__init__(f"[recorder] {place}{name} cannot be recorded: {reason or WHAT_CAN}")


def join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def is_tensor(value: object) -> bool:
    return hasattr(value, "__dlpack__") or hasattr(value, "__array_interface__")


def pack(values: list[Any] | tuple[Any, ...]) -> "array.array[int] | array.array[float] | None":
    """Many numbers of one type as an array; None where they are something else."""
    if len(values) <= MANY:
        return None
    if all(type(value) is int and value in INT64 for value in values):
        return array.array("q", values)
    if all(type(value) is float for value in values):
        return array.array("d", values)
    return None


def get_state(value: Any) -> Any:
    """The state of an object that has one, under the name that its library gives it; otherwise the value."""
    for name in ("state_dict", "getstate", "get_state"):
        if callable(getattr(value, name, None)) and not isinstance(value, type):
            return getattr(value, name)()
    if hasattr(value, "bit_generator"):  # a generator of NumPy's
        return value.bit_generator.state
    return value


def get_children(value: Any, path: str) -> Iterator[tuple[object, Any]] | None:
    """The names and values in a container; None: it is none."""
    if isinstance(value, Mapping) or hasattr(value, "lookup_tensor"):  # the latter is an Sng.StateDict
        return ((key, value[key]) for key in value)
    if isinstance(value, (list, tuple)):
        return iter(enumerate(value))
    if isinstance(value, (set, frozenset)):
        raise UnrecordableError(path, value, "it has no order: record sorted() of it")
    return None


def flatten(value: Any, path: str = "", *, _depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yields the path and the leaf of each number, string or tensor in value; the names in a path are joined by
    dots, and the path of a value that is a leaf itself is empty. Raises UnrecordableError for what is none of these."""
    if _depth > MAX_DEPTH:
        raise UnrecordableError(path, value, f"it is more than {MAX_DEPTH} levels deep, or contains itself")
    if value is None:
        yield path, "None"
    elif isinstance(value, enum.Enum):
        yield path, value.name
    elif isinstance(value, int) and not isinstance(value, bool) and value not in INT64:
        yield path, str(value)  # as the 128 bits of a PCG64
    elif isinstance(value, (bool, int, float, str)) or is_tensor(value):
        yield path, value
    elif isinstance(value, complex):
        yield join(path, "real"), value.real
        yield join(path, "imag"), value.imag
    elif isinstance(value, (bytes, bytearray)):
        yield path, array.array("B", value)
    elif isinstance(value, array.array):
        yield path, value
    elif isinstance(value, (list, tuple)) and (packed := pack(value)) is not None:
        yield path, packed
    elif (children := get_children(value, path)) is not None:
        for name, child in children:
            yield from flatten(child, join(path, name), _depth=_depth + 1)
    else:
        state = get_state(value)
        if state is value:
            raise UnrecordableError(path, value)
        yield from flatten(state, path, _depth=_depth + 1)
