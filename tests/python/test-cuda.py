#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tensors in a GPU's memory cross to PyTorch, CuPy and back on their stream without a copy. The GPU is emulated: it puts off
all work until somebody waits, and its memory cannot be read here. So are the libraries."""

import contextlib
import sys
import types
import unittest
import unittest.mock
import warnings

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GLib, Sng
import gi.overrides.Sng
import tap
from sng import tensors

try:
    import numpy
except ImportError:
    numpy = None

VALUES = (0, 1.5, -2, 3, 4, 5)


def new_host(values=VALUES, shape=(2, 3)):
    return Sng.Tensor.new_from_values(Sng.Dtype.F32, shape, values)


def new_tensor(device, values=VALUES, shape=(2, 3)):
    tensor = Sng.Tensor.new(Sng.Dtype.F32, shape, device)
    tensor.copy_from(new_host(values, shape))
    return tensor


class Producer:
    """Somebody's array on a GPU."""

    def __init__(self, tensor):
        self.tensor = tensor
        self.asked = []

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()

    def __dlpack__(self, *, stream=None, max_version=None):
        self.asked.append(stream)
        return self.tensor.__dlpack__(stream=stream, max_version=max_version)


class OldProducer(Producer):
    """From before DLPack 1.0."""

    def __dlpack__(self, *, stream=None):
        self.asked.append(stream)
        return self.tensor.__dlpack__(stream=stream)


class TorchTensor(Producer):
    """As far as sng.tensors asks."""
    layout = "strided"

    def __init__(self, tensor, index=0):
        super().__init__(tensor)
        self.device = types.SimpleNamespace(type="cuda", index=index)
        self.n_copies = 0

    def __dlpack__(self, **arguments):
        current = sys.modules["torch"].cuda.current_device()
        if self.device.type == "cuda" and current != self.device.index:
            raise BufferError(f"Can't export tensors on a different CUDA device index. Expected: {self.device.index}. "
                              f"Current device: {current}.")
        return super().__dlpack__(**arguments)

    def detach(self):
        return self

    resolve_conj = resolve_neg = detach

    def is_complex(self):
        return False

    def cpu(self):
        self.n_copies += 1
        copy = TorchTensor(self.tensor.to_host())
        copy.device = types.SimpleNamespace(type="cpu")
        return copy


def fake_torch(streams):
    torch = types.ModuleType("torch")
    torch.strided = "strided"
    current = [0]

    @contextlib.contextmanager
    def choose(device):
        current.append(device.index)
        yield
        current.pop()

    torch.cuda = types.SimpleNamespace(
        current_device=lambda: current[-1], device=choose,
        current_stream=lambda device: types.SimpleNamespace(cuda_stream=streams[device.index]))
    return unittest.mock.patch.dict(sys.modules, {"torch": torch})


class CupyArray(Producer):
    __module__ = "cupy._core.core"

    def __init__(self, tensor):
        super().__init__(tensor)
        self.device = unittest.mock.MagicMock()
        self.n_copies = 0

    def __dlpack__(self, **arguments):
        if self.device.__enter__.call_count == self.device.__exit__.call_count:
            raise BufferError("its device is not the current one")
        return super().__dlpack__(**arguments)

    def get(self):
        self.n_copies += 1
        return self.tensor.to_host().numpy()


def fake_cupy(stream):
    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(get_current_stream=lambda: types.SimpleNamespace(ptr=stream))
    return unittest.mock.patch.dict(sys.modules, {"cupy": cupy})


class CudaTest(unittest.TestCase):
    def setUp(self):
        self.device = Sng.Device.new("cuda")
        self.other = Sng.Device.new("cuda")
        tensors.said.clear()

    def assert_shares(self, taken, tensor, stream):
        self.assertEqual(taken.get_data(), tensor.get_data())
        self.assertEqual(taken.__dlpack_device__(), (2, 0))
        self.assertEqual(taken.get_device().get_stream(), stream)
        self.assertEqual(taken.compute_fingerprint().to_string(), new_host().compute_fingerprint().to_string())
        self.assertTrue(taken.equal(new_host()))

    def test_device_and_streams(self):
        tensor = new_tensor(self.device)
        self.assertEqual(tensor.__dlpack_device__(), (2, 0))
        self.assertEqual(repr(tensor), "<Sng.Tensor F32 [2, 3] on cuda>")
        with self.assertRaisesRegex(BufferError, "no stream 0"):
            tensor.__dlpack__(stream=0)
        with self.assertRaisesRegex(BufferError, r"\(2, 0\), not on \(2, 1\)"):
            tensor.__dlpack__(dl_device=(2, 1))
        for stream in (None, -1, 1, self.device.get_stream(), self.other.get_stream()):
            self.assertIsNotNone(tensor.__dlpack__(stream=stream))
        host = Sng.Tensor.from_dlpack(Offer(tensor.__dlpack__(dl_device=(1, 0), max_version=(1, 0)), (1, 0)))
        self.assertEqual(host.__dlpack_device__(), (1, 0))
        self.assertTrue(host.equal(tensor))
        with self.assertRaisesRegex(BufferError, "not on"):
            tensor.__dlpack__(dl_device=(1, 0), copy=False)

    def test_is_shared_on_the_stream_that_is_named(self):
        for kind in Producer, OldProducer:
            for device, stream in ((self.device, None), (self.other, self.other.get_stream())):
                producer = kind(new_tensor(self.device))
                taken = Sng.Tensor.from_dlpack(producer, stream)
                self.assertEqual(producer.asked[-1], stream or 1)
                self.assert_shares(taken, producer.tensor, stream or 1)

    def test_lives_until_nobody_needs_it(self):
        tensor = new_tensor(self.device)
        before = tensor.__grefcount__
        first = Sng.Tensor.from_dlpack(tensor)
        second = Sng.Tensor.from_dlpack(first)
        self.assertEqual(tensor.__grefcount__, before + 1)
        del first
        self.assertEqual(tensor.__grefcount__, before + 1)
        self.assertTrue(second.equal(new_host()))
        del second
        self.assertEqual(tensor.__grefcount__, before)

    def test_a_stream_waits_for_what_was_done_before(self):
        """Another stream reads what the first has not yet written, where nothing puts it in order."""
        stream = self.other.get_stream()
        tensor = new_tensor(self.device, [7] * 6)
        tensor.equal(tensor.copy())
        tensor.copy_from(new_tensor(self.device))
        self.assertTrue(Sng.Tensor.from_dlpack(tensor, stream).equal(new_host()))

        tensor.copy_from(new_tensor(self.device, [7] * 6))
        unordered = Offer(tensor.__dlpack__(stream=-1), (2, 0))
        self.assertTrue(Sng.Tensor.from_dlpack(unordered, stream).equal(new_host()))

    def test_copy(self):
        tensor = new_tensor(self.device)
        taken = Sng.Tensor.from_dlpack(Offer(tensor.__dlpack__(copy=True), (2, 0)), self.device.get_stream())
        self.assertNotEqual(taken.get_data(), tensor.get_data())
        self.assertTrue(taken.equal(tensor))

    def test_torch(self):
        stream = self.device.get_stream()
        for current, expected in ((stream, stream), (0, 1)):
            with fake_torch([current]), warnings.catch_warnings():
                warnings.simplefilter("error")
                tensor = TorchTensor(new_tensor(self.device))
                before = tensor.tensor.__grefcount__
                taken = tensors.to_tensor(tensor)
                self.assertEqual(tensor.asked, [expected])
                self.assertEqual(tensor.n_copies, 0)
                self.assert_shares(taken, tensor.tensor, expected)
                del taken
                self.assertEqual(tensor.tensor.__grefcount__, before)

    def test_torch_on_another_gpu_than_the_current_one(self):
        stream = self.device.get_stream()
        with fake_torch([0, stream]), warnings.catch_warnings():
            warnings.simplefilter("error")
            tensor = TorchTensor(new_tensor(self.device), index=1)
            self.assert_shares(tensors.to_tensor(tensor), tensor.tensor, stream)
            self.assertEqual(sys.modules["torch"].cuda.current_device(), 0)

    def test_cupy(self):
        stream = self.device.get_stream()
        for current, expected in ((stream, stream), (0, 1)):
            with fake_cupy(current), warnings.catch_warnings():
                warnings.simplefilter("error")
                array = CupyArray(new_tensor(self.device))
                taken = tensors.to_tensor(array)
                self.assertEqual((array.asked, array.n_copies), ([expected], 0))
                array.device.__enter__.assert_called_once()
                self.assert_shares(taken, array.tensor, expected)

    def test_without_the_plugin_it_is_copied_and_said_once(self):
        missing = GLib.Error.new_literal(Sng.error_quark(), "[tensor][dlpack] … [device][plugin] there is no /x.so",
                                         Sng.Error.NOT_SUPPORTED)
        values = [TorchTensor(new_tensor(self.device)), TorchTensor(new_tensor(self.device))]
        if numpy is not None:
            values.append(CupyArray(new_tensor(self.device)))
        introspected = gi.overrides.Sng.Sng.Tensor
        real = introspected.new_from_dlpack_on

        def refuse(managed, versioned, stream):
            if stream == self.device.get_stream():
                raise missing
            return real(managed, versioned, stream)

        with fake_torch([self.device.get_stream()]), fake_cupy(self.device.get_stream()), \
                unittest.mock.patch.object(introspected, "new_from_dlpack_on", staticmethod(refuse)), \
                warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for value in values:
                taken = tensors.to_tensor(value)
                self.assertEqual(value.n_copies, 1)
                self.assertEqual(taken.__dlpack_device__(), (1, 0))
                self.assertTrue(taken.equal(new_host()))
        self.assertEqual(len(said), 1)
        self.assertIn("there is no /x.so", str(said[0].message))

    @unittest.skipUnless(numpy, "NumPy is not there")
    def test_numpy_gets_a_copy_that_says_so(self):
        tensor = new_tensor(self.device)
        array = tensor.numpy()
        self.assertEqual(array.tolist(), [[0, 1.5, -2], [3, 4, 5]])
        self.assertFalse(array.flags.writeable)
        with self.assertRaisesRegex(TypeError, r"F32 \[2, 3\] on cuda"):
            numpy.asarray(tensor)
        with self.assertRaises(AttributeError):
            tensor.__array_interface__

    def test_values(self):
        tensor = new_tensor(self.device)
        self.assertEqual(tuple(tensor.dup_values()), VALUES)
        self.assertEqual(tensor.get_value(1), 1.5)


class Offer:
    """One capsule."""

    def __init__(self, capsule, device):
        self.capsule, self.device = capsule, device

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **arguments):
        return self.capsule


if __name__ == "__main__":
    tap.main("/sng/python/cuda")
