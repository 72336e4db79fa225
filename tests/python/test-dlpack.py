#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tensors cross to NumPy and PyTorch and back without a copy, and live as long as they are needed."""

import ctypes
import gc
import unittest
import weakref

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GLib, Sng
import tap

try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

NAMES = {
    Sng.Dtype.F64: "float64", Sng.Dtype.F32: "float32", Sng.Dtype.F16: "float16", Sng.Dtype.BF16: "bfloat16",
    Sng.Dtype.I64: "int64", Sng.Dtype.I32: "int32", Sng.Dtype.I16: "int16", Sng.Dtype.I8: "int8",
    Sng.Dtype.U8: "uint8", Sng.Dtype.BOOL: "bool",
    Sng.Dtype.U16: "uint16", Sng.Dtype.U32: "uint32", Sng.Dtype.U64: "uint64",
}
F8_NAMES = {
    Sng.Dtype.F8_E4M3: "float8_e4m3fn", Sng.Dtype.F8_E5M2: "float8_e5m2", Sng.Dtype.F8_E8M0: "float8_e8m0fnu",
    Sng.Dtype.F8_E4M3FNUZ: "float8_e4m3fnuz", Sng.Dtype.F8_E5M2FNUZ: "float8_e5m2fnuz",
}
OLD_NUMPY = numpy is not None and tuple(map(int, numpy.__version__.split(".")[:2])) < (2, 1)


def new_tensor(dtype=Sng.Dtype.F32, values=(0, 1, 1, 0, 1, 1), shape=(2, 3)):
    return Sng.Tensor.new_from_values(dtype, shape, values).copy()


def new_constant():
    return Sng.Tensor.new_from_bytes(Sng.Dtype.U8, [2], GLib.Bytes.new(b"ab"))


def capsule_name(capsule):
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
    return get_name(capsule)


class Offer:
    """Somebody who hands out one and the same capsule."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **arguments):
        return self.capsule


class ProtocolTest(unittest.TestCase):
    def test_the_consumer_names_its_version(self):
        tensor = new_tensor()
        self.assertEqual(tensor.__dlpack_device__(), (1, 0))
        for version, name in ((None, b"dltensor"), ((0, 8), b"dltensor"),
                              ((1, 0), b"dltensor_versioned"), ((2, 0), b"dltensor_versioned")):
            self.assertEqual(capsule_name(tensor.__dlpack__(max_version=version)), name)

    def test_a_capsule_that_nobody_takes_gives_its_tensor_back(self):
        for version in (None, (1, 0)):
            tensor = new_tensor()
            before = tensor.__grefcount__
            capsule = tensor.__dlpack__(max_version=version)
            self.assertEqual(tensor.__grefcount__, before + 1)
            del capsule
            self.assertEqual(tensor.__grefcount__, before)

    def test_a_capsule_is_taken_once(self):
        for version in (None, (1, 0)):
            tensor = new_tensor()
            before = tensor.__grefcount__
            offer = Offer(tensor.__dlpack__(max_version=version))
            taken = Sng.Tensor.from_dlpack(offer)
            self.assertTrue(capsule_name(offer.capsule).startswith(b"used_dltensor"))
            with self.assertRaisesRegex(ValueError, "nobody has taken"):
                Sng.Tensor.from_dlpack(offer)
            del offer
            self.assertTrue(taken.equal(tensor))
            self.assertEqual(tensor.__grefcount__, before + 1)
            del taken
            self.assertEqual(tensor.__grefcount__, before)

    def test_refuses_what_is_no_capsule(self):
        with self.assertRaisesRegex(ValueError, "no tensor"):
            Sng.Tensor.from_dlpack(Offer(3))
        with self.assertRaises(AttributeError):
            Sng.Tensor.from_dlpack(3)

    def test_round_trip_of_every_dtype(self):
        for dtype in NAMES:
            tensor = new_tensor(dtype)
            back = Sng.Tensor.from_dlpack(tensor)
            self.assertEqual(back.get_data(), tensor.get_data())
            expected = tensor.copy()
            del tensor
            gc.collect()
            self.assertTrue(back.equal(expected))

    def test_refuses_other_devices_and_streams(self):
        tensor = new_tensor()
        self.assertIsNotNone(tensor.__dlpack__(dl_device=(1, 0), copy=False))
        with self.assertRaisesRegex(BufferError, r"\(2, 0\)"):
            tensor.__dlpack__(dl_device=(2, 0))
        with self.assertRaisesRegex(BufferError, "stream 7"):
            tensor.__dlpack__(stream=7)

    def test_refuses_a_foreign_device_and_does_not_take_it(self):
        tensor = new_tensor()
        before = tensor.__grefcount__
        offer = Offer(tensor.__dlpack__())
        get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
            ("PyCapsule_GetPointer", ctypes.pythonapi))
        device = ctypes.c_int32.from_address(get_pointer(offer.capsule, b"dltensor") + 8)
        device.value = 10
        with self.assertRaisesRegex(GLib.Error, r"ROCM \(10\)"):
            Sng.Tensor.from_dlpack(offer)
        self.assertEqual(capsule_name(offer.capsule), b"dltensor")
        del offer
        self.assertEqual(tensor.__grefcount__, before)

    def test_read_only(self):
        constant = new_constant()
        for version in (None, (1, 0)):
            with self.assertRaisesRegex(BufferError, r"U8 \[2\].* is read-only: take a copy"):
                constant.__dlpack__(max_version=version)
        back = Sng.Tensor.new_from_dlpack(constant.to_dlpack(True, False), True)
        self.assertEqual(back.get_data(), constant.get_data())
        self.assertTrue(back.is_read_only())
        with self.assertRaisesRegex(GLib.Error, "read-only"):
            back.set_bytes(GLib.Bytes.new(b"xy"))

    def test_copy(self):
        constant = new_constant()
        for version in (None, (1, 0)):
            copy = Sng.Tensor.from_dlpack(Offer(constant.__dlpack__(max_version=version, copy=True)))
            self.assertFalse(copy.is_read_only())
            copy.set_bytes(GLib.Bytes.new(b"xy"))
        self.assertEqual(constant.dup_bytes().get_data(), b"ab")


@unittest.skipIf(numpy is None, "needs NumPy")
class NumpyTest(unittest.TestCase):
    def test_array_shares_memory(self):
        for dtype, name in NAMES.items():
            if dtype == Sng.Dtype.BF16:
                continue
            tensor = new_tensor(dtype)
            array = tensor.numpy()
            self.assertEqual((array.dtype, array.shape), (numpy.dtype(name), (2, 3)))
            self.assertEqual(array.ctypes.data, tensor.get_data())
            array[0, 0] = 1
            self.assertEqual(tensor.get_value(0), 1)
            self.assertEqual(array.tolist(), [[1, 1, 1], [0, 1, 1]])

    def test_complex_array(self):
        tensor = Sng.Tensor.new_from_values(Sng.Dtype.C64, [2], [1, 2, 3, -4])
        self.assertEqual(tensor.numpy().tolist(), [1 + 2j, 3 - 4j])
        self.assertEqual(Sng.Tensor.from_numpy(tensor.numpy()).dup_values(), [1, 2, 3, -4])
        # An element needs no more than the alignment of its parts.
        array = numpy.arange(5, dtype="float32")[1:].view("complex64")
        self.assertEqual(Sng.Tensor.from_dlpack(array).dup_values(), [1, 2, 3, 4])

    def test_array_keeps_the_tensor(self):
        tensor = new_tensor()
        array = tensor.numpy()[1]
        before = tensor.__grefcount__
        address = tensor.get_data()
        del tensor
        gc.collect()
        self.assertEqual(array.ctypes.data, address + 12)
        self.assertEqual(array.tolist(), [0, 1, 1])
        self.assertEqual(before, 1)

    def test_tensor_keeps_the_array(self):
        class Array(numpy.ndarray):
            pass

        array = numpy.arange(6.0).view(Array)
        alive = weakref.ref(array)
        tensor = Sng.Tensor.from_dlpack(array)
        self.assertEqual(tensor.get_data(), array.ctypes.data)
        del array
        gc.collect()
        self.assertIsNotNone(alive())
        self.assertEqual(tensor.numpy().tolist(), [0, 1, 2, 3, 4, 5])
        del tensor
        gc.collect()
        self.assertIsNone(alive())

    def test_both_sides_see_a_change(self):
        array = numpy.zeros((2, 3))
        tensor = Sng.Tensor.from_dlpack(array)
        array[1, 2] = 5
        self.assertEqual(tensor.get_value(5), 5)
        tensor.set_bytes(GLib.Bytes.new(numpy.ones(6).tobytes()))
        self.assertEqual(array.sum(), 6)

    def test_layouts(self):
        array = numpy.arange(24.0).reshape(2, 3, 4)
        for seen in (array.T, array[:, ::2, 1:], array[::-1, :, ::-1], array[1:1], array[1, 2, 3:].reshape(()),
                     array[:, :1], numpy.zeros((0, 3))):
            tensor = Sng.Tensor.from_dlpack(seen)
            self.assertEqual(tuple(tensor.get_shape()), seen.shape)
            self.assertTrue((tensor.numpy() == seen).all())
            self.assertTrue((numpy.from_dlpack(tensor) == seen).all())
            if seen.size:
                self.assertEqual(tensor.get_data(), seen.ctypes.data)
                self.assertEqual(tensor.numpy().ctypes.data, seen.ctypes.data)

    def test_read_only(self):
        constant = new_constant()
        self.assertFalse(constant.numpy().flags.writeable)
        self.assertEqual(constant.numpy().tolist(), [97, 98])
        array = numpy.zeros(2)
        array.flags.writeable = False
        if OLD_NUMPY:  # it cannot tell, and says so
            with self.assertRaises(BufferError):
                Sng.Tensor.from_dlpack(array)
        else:
            self.assertTrue(Sng.Tensor.from_dlpack(array).is_read_only())
        with self.assertRaisesRegex(BufferError, "read-only"):
            numpy.from_dlpack(constant)

    def test_numpy_takes_the_capsule(self):
        tensor = new_tensor()
        before = tensor.__grefcount__
        array = numpy.from_dlpack(tensor)
        self.assertEqual(array.ctypes.data, tensor.get_data())
        self.assertEqual(tensor.__grefcount__, before + 1)
        del array
        gc.collect()
        self.assertEqual(tensor.__grefcount__, before)

    def test_what_one_side_lacks(self):
        tensor = new_tensor(Sng.Dtype.BF16)
        before = tensor.__grefcount__
        # The capsule goes while NumPy's exception is on its way, and must not disturb it.
        with self.assertRaisesRegex((RuntimeError, BufferError), "dtype"):
            numpy.from_dlpack(tensor)
        self.assertEqual(tensor.__grefcount__, before)
        self.assertFalse(hasattr(tensor, "__array_interface__"))
        with self.assertRaisesRegex(TypeError, "BF16"):
            tensor.numpy()
        with self.assertRaisesRegex(GLib.Error, "Complex .* 128 bits"):
            Sng.Tensor.from_dlpack(numpy.zeros(2, dtype="complex128"))


@unittest.skipIf(torch is None, tap.NEEDS_TORCH)
class TorchTest(unittest.TestCase):
    def test_torch_takes_every_dtype(self):
        for dtype, name in NAMES.items():
            tensor = new_tensor(dtype)
            before = tensor.__grefcount__
            other = torch.from_dlpack(tensor)
            self.assertEqual((other.dtype, tuple(other.shape)), (getattr(torch, name), (2, 3)))
            self.assertEqual(other.data_ptr(), tensor.get_data())
            other[0, 0] = 1
            self.assertEqual(tensor.get_value(0), 1)
            self.assertEqual(tensor.__grefcount__, before + 1)
            del other
            gc.collect()
            self.assertEqual(tensor.__grefcount__, before)

    def test_f8_is_what_torch_makes_of_it(self):
        # From 2^-140 to 2^130: what is in between, beyond the ends, and each number itself.
        values = [sign * 2.0 ** exponent * (1 + step / 64) for exponent in range(-140, 128) for step in range(64)
                  for sign in (1, -1)] + [float("inf"), float("nan")]
        for dtype, name in F8_NAMES.items():
            if not hasattr(torch, name):
                continue
            codes = torch.arange(256, dtype=torch.uint8)
            tensor = Sng.Tensor.from_dlpack(codes.view(getattr(torch, name)))
            self.assertEqual(tensor.get_dtype(), dtype)
            self.assertEqual(tensor.get_data(), codes.data_ptr())
            numbers = codes.view(getattr(torch, name)).float()
            torch.testing.assert_close(torch.tensor(tensor.dup_values()), numbers, rtol=0, atol=0, equal_nan=True)

            mine = values
            if dtype == Sng.Dtype.F8_E8M0:
                # Of what is just above the smallest, PyTorch makes the next one, however far that is.
                mine = [value for value in values if not value <= 0 and not 2 ** -127 < value < 1.5 * 2 ** -127]
            elif dtype == Sng.Dtype.F8_E4M3:  # beyond that, versions of PyTorch differ: 448 or not a number
                mine = [value for value in values if not abs(value) > 464]
            rounded = Sng.Tensor.new_from_values(dtype, [len(mine)], mine)
            theirs = torch.tensor(mine).to(getattr(torch, name))
            self.assertEqual(torch.from_dlpack(rounded).dtype, theirs.dtype)
            self.assertEqual(rounded.dup_bytes().get_data(), theirs.view(torch.uint8).numpy().tobytes())

    def test_complex(self):
        tensor = Sng.Tensor.new_from_values(Sng.Dtype.C64, [2], [1, 2, 3, -4])
        other = torch.from_dlpack(tensor)
        self.assertEqual(other.tolist(), [1 + 2j, 3 - 4j])
        self.assertEqual(Sng.Tensor.from_dlpack(other).dup_values(), [1, 2, 3, -4])

    def test_tensor_takes_every_dtype(self):
        for dtype, name in NAMES.items():
            other = torch.tensor([[0, 1, 1], [0, 1, 1]]).to(getattr(torch, name))
            tensor = Sng.Tensor.from_dlpack(other)
            self.assertEqual(tensor.get_dtype(), dtype)
            self.assertEqual(tensor.get_data(), other.data_ptr())
            other[0, 0] = 1
            del other
            gc.collect()
            self.assertEqual([tensor.get_value(i) for i in range(6)], [1, 1, 1, 0, 1, 1])

    def test_layouts(self):
        other = torch.arange(24.0).reshape(2, 3, 4)
        for seen in (other.permute(2, 1, 0), other[:, ::2, 1:], other[1:1],
                     other[1, 2, 3], other[0, 0].expand(3, 4)):
            tensor = Sng.Tensor.from_dlpack(seen)
            self.assertEqual(tuple(tensor.get_shape()), tuple(seen.shape))
            self.assertTrue(torch.equal(torch.from_dlpack(tensor), seen))
            if seen.numel():
                self.assertEqual(tensor.get_data(), seen.data_ptr())

    def test_torch_keeps_the_tensor(self):
        tensor = new_tensor()
        other = torch.from_dlpack(tensor)
        del tensor
        gc.collect()
        self.assertEqual(other.tolist(), [[0, 1, 1], [0, 1, 1]])

    def test_both_sides_see_a_change(self):
        other = torch.zeros(3)
        back = torch.from_dlpack(Sng.Tensor.from_dlpack(other))
        back[1] = 5
        self.assertEqual(other.tolist(), [0, 5, 0])
        del other
        gc.collect()
        self.assertEqual(back.tolist(), [0, 5, 0])

    def test_read_only(self):
        """PyTorch knows no such thing, so it gets a copy or nothing."""
        constant = new_constant()
        before = constant.__grefcount__
        with self.assertRaisesRegex(BufferError, "is read-only: take a copy"):
            torch.from_dlpack(constant)
        self.assertEqual(constant.__grefcount__, before)
        copy = torch.from_dlpack(constant.copy())
        copy[0] = 0
        self.assertEqual(constant.dup_bytes().get_data(), b"ab")

    def test_refuses_what_no_tensor_holds(self):
        with self.assertRaisesRegex(GLib.Error, "Complex .* 128 bits"):
            Sng.Tensor.from_dlpack(torch.zeros(2, dtype=torch.complex128))
        with self.assertRaisesRegex(BufferError, "meta"):
            Sng.Tensor.from_dlpack(torch.zeros(2, device="meta"))
        with self.assertRaisesRegex(BufferError, "require gradient"):
            Sng.Tensor.from_dlpack(torch.zeros(2, requires_grad=True))


if __name__ == "__main__":
    tap.main("/sng/python/dlpack")
