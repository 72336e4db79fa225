# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Anybody's tensor as an Sng.Tensor, without a copy where that can be. Needs neither NumPy nor PyTorch."""

import array
from typing import Any

from sng._gi import GLib, Sng

CPU = 1


def to_tensor(value: Any) -> Any:
    """Raises TypeError, ValueError or BufferError where there is no way."""
    if isinstance(value, Sng.Tensor):
        return value
    if isinstance(value, array.array):
        return from_array(value)
    if hasattr(value, "detach"):
        return from_torch(value)
    return from_dlpack(value) if not hasattr(value, "__array_interface__") else from_numpy(value)


def from_array(values: "array.array[Any]") -> Any:
    dtypes = {"q": Sng.Dtype.I64, "d": Sng.Dtype.F64, "B": Sng.Dtype.U8, "f": Sng.Dtype.F32, "i": Sng.Dtype.I32}
    if values.typecode not in dtypes:
        raise TypeError(f"an array of type {values.typecode!r} has no tensor: take \"q\" or \"d\"")
    tensor = Sng.Tensor.new(dtypes[values.typecode], [len(values)], None)
    tensor.set_bytes(GLib.Bytes.new(values.tobytes()))
    return tensor


def from_dlpack(value: Any) -> Any:
    try:
        return Sng.Tensor.from_dlpack(value)
    except GLib.Error as error:
        raise ValueError(error.message) from error


def from_torch(tensor: Any) -> Any:
    """DLPack takes neither gradients nor lazy conjugates, and what is not in the processor's memory is brought there."""
    tensor = tensor.detach()
    if tensor.layout is not strided_layout():
        raise TypeError(f"a tensor with the layout {tensor.layout} has no DLPack: record its indices and values")
    if tensor.device.type == "meta":
        raise TypeError("a tensor on the device meta has no elements")
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_complex() and tensor.element_size() > 8:
        import torch
        tensor = torch.view_as_real(tensor)
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    try:
        return from_dlpack(tensor)
    except (BufferError, RuntimeError, ValueError):  # a type of elements that DLPack has no name for yet
        import torch
        return from_dlpack(tensor.contiguous().view(torch.uint8))


def strided_layout() -> Any:
    import torch
    return torch.strided


def from_numpy(values: Any) -> Any:
    """Arrays and scalars. What NumPy does not hand out, as what is read-only, is copied."""
    import numpy
    values = numpy.asarray(values)
    if values.dtype.kind in "mM":
        values = values.view("int64")
    elif values.dtype == numpy.complex128:
        values = numpy.stack([values.real, values.imag], axis=-1)
    elif values.dtype.kind in "OUSV":
        raise TypeError(f"an array of NumPy's {values.dtype} holds no numbers")
    try:
        return from_dlpack(values)
    except (BufferError, TypeError, ValueError, RuntimeError):
        return Sng.Tensor.from_numpy(values)
