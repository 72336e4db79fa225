# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Anybody's tensor as an Sng.Tensor, without a copy where that can be. Needs neither NumPy nor PyTorch.

A tensor of PyTorch or CuPy on a GPU stays there: libsng works with it on the stream that is the library's current one, so
behind what was done with it and before what comes next. Where libsng cannot use the GPU, it gets a copy, and says so once."""

import array
import sys
import warnings
from typing import Any

from sng._gi import GLib, Sng

CUDA = 2  # DLPack's type of a device
MISSING = "[device]"  # in the message of an error that comes from the plug-in, the driver or the GPU
said: set[str] = set()


class NoGpu(ValueError):
    """libsng cannot use the GPU that a tensor is on."""


def to_tensor(value: Any) -> Any:
    """Raises TypeError, ValueError or BufferError where there is no way."""
    if isinstance(value, Sng.Tensor):
        return value
    if isinstance(value, array.array):
        return from_array(value)
    if hasattr(value, "detach"):
        return from_torch(value)
    if type(value).__module__.partition(".")[0] == "cupy":
        return from_cupy(value)
    return from_dlpack(value) if not hasattr(value, "__array_interface__") else from_numpy(value)


def from_array(values: "array.array[Any]") -> Any:
    dtypes = {"q": Sng.Dtype.I64, "d": Sng.Dtype.F64, "B": Sng.Dtype.U8, "f": Sng.Dtype.F32, "i": Sng.Dtype.I32}
    if values.typecode not in dtypes:
        raise TypeError(f"an array of type {values.typecode!r} has no tensor: take \"q\" or \"d\"")
    tensor = Sng.Tensor.new(dtypes[values.typecode], [len(values)], None)
    tensor.set_bytes(GLib.Bytes.new(values.tobytes()))
    return tensor


def from_dlpack(value: Any, stream: int | None = None) -> Any:
    """The stream is that of a GPU on which the value's library works; 0 and None are the default stream."""
    try:
        return Sng.Tensor.from_dlpack(value, stream or None)
    except GLib.Error as error:
        raise (NoGpu if MISSING in error.message else ValueError)(error.message) from error


def say_once(error: NoGpu) -> None:
    """Before a copy on the processor takes the place of what is on a GPU."""
    message = str(error)
    if message not in said:
        said.add(message)
        warnings.warn(f"[tensors] tensors on a GPU are copied to the processor to be recorded: {message}",
                      RuntimeWarning, stacklevel=3)


def from_cupy(values: Any) -> Any:
    cupy = sys.modules["cupy"]
    try:
        with values.device:  # CuPy hands out what is on the current one
            return from_dlpack(values, cupy.cuda.get_current_stream().ptr)
    except NoGpu as error:
        say_once(error)
        return from_numpy(values.get())


def from_torch(tensor: Any) -> Any:
    """DLPack takes neither gradients nor lazy conjugates. What is neither in the processor's memory nor in that of a GPU of
    CUDA is brought to the processor."""
    tensor = tensor.detach()
    if tensor.layout is not strided_layout():
        raise TypeError(f"a tensor with the layout {tensor.layout} has no DLPack: record its indices and values")
    if tensor.device.type == "meta":
        raise TypeError("a tensor on the device meta has no elements")
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_complex() and tensor.element_size() > 8:
        import torch
        tensor = torch.view_as_real(tensor)
    if tensor.device.type == "cuda" and tensor.__dlpack_device__()[0] == CUDA:  # with ROCm it has that name, too
        import torch
        try:
            with torch.cuda.device(tensor.device):  # PyTorch hands out what is on the current one
                return share_torch(tensor, torch.cuda.current_stream(tensor.device).cuda_stream)
        except NoGpu as error:
            say_once(error)
    return share_torch(tensor if tensor.device.type == "cpu" else tensor.cpu())


def share_torch(tensor: Any, stream: int | None = None) -> Any:
    try:
        return from_dlpack(tensor, stream)
    except NoGpu:
        raise
    except (BufferError, RuntimeError, ValueError):  # a type of elements that DLPack has no name for yet
        import torch
        return from_dlpack(tensor.contiguous().view(torch.uint8), stream)


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
