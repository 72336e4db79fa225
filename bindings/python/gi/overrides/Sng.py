# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes libsng feel at home in Python. It adds, and changes no signature:
state dictionaries are mappings, tensors share their memory with NumPy and whoever
speaks DLPack, shards compare, a save can be awaited, reports print, an exception in a
function that C calls becomes an error with its message, and Ctrl-C ends a run."""

import asyncio
import ctypes
import functools
import os
import signal
import threading
import traceback

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib

Sng = get_introspection_module("Sng")
__all__ = ["CheckpointStore", "Report", "Shard", "StateDict", "Stateful", "Tensor", "find_exception"]

NUMPY_NAMES = {
    Sng.Dtype.F64: "<f8", Sng.Dtype.F32: "<f4", Sng.Dtype.F16: "<f2", Sng.Dtype.I64: "<i8", Sng.Dtype.I32: "<i4",
    Sng.Dtype.I16: "<i2", Sng.Dtype.I8: "|i1", Sng.Dtype.U8: "|u1", Sng.Dtype.BOOL: "|b1",
    Sng.Dtype.U16: "<u2", Sng.Dtype.U32: "<u4", Sng.Dtype.U64: "<u8", Sng.Dtype.C64: "<c8",
}

CPU = (1, 0)  # DLPack's type and number of the device
CUDA = 2  # its type of a GPU
DEFAULT_STREAM = 1  # of CUDA, where no other is named
DLPACK_NAMES = {True: b"dltensor_versioned", False: b"dltensor"}
USED_NAMES = {True: b"used_dltensor_versioned", False: b"used_dltensor"}


def python_api(name, result, *arguments):
    """A function of Python's own, with a prototype that nobody else sees."""
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


capsule_new = python_api("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
capsule_is_valid = python_api("PyCapsule_IsValid", ctypes.c_int, ctypes.py_object, ctypes.c_char_p)
capsule_get_pointer = python_api("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
capsule_set_name = python_api("PyCapsule_SetName", ctypes.c_int, ctypes.py_object, ctypes.c_char_p)
capsule_destructor = Sng.dlpack_get_capsule_destructor(
    *(ctypes.cast(function, ctypes.c_void_p).value for function in (capsule_is_valid, capsule_get_pointer)))


@override
class Tensor(Sng.Tensor):
    def __dlpack_device__(self):
        return tuple(self.get_dlpack_device())

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A capsule for whoever takes over the elements by DLPack, which share the tensor's memory unless copy. On a GPU
        what the consumer puts on its stream comes after what was done with the tensor: the address of a cudaStream_t, 1
        for the default stream, as None, or -1 for no order."""
        device = self.__dlpack_device__()
        if stream == 0 or stream is not None and device[0] != CUDA:
            raise BufferError(f"the device {device} of {self!r} has no stream {stream}")
        if dl_device is not None and tuple(dl_device) != device:
            if tuple(dl_device) != CPU or copy is False:
                raise BufferError(f"{self!r} is on the device {device}, not on {tuple(dl_device)}")
            return self.to_host().__dlpack__(max_version=max_version)
        # DLPack 1.0 can tell, but PyTorch takes what it is told is read-only and writes to it.
        if self.is_read_only() and not copy:
            raise BufferError(f"{self!r} is read-only: take a copy (copy=True), or an array (numpy ())")
        versioned = max_version is not None and max_version[0] >= 1
        try:
            managed = self.to_dlpack_on(versioned, bool(copy), DEFAULT_STREAM if stream is None else stream)
        except GLib.Error as error:
            raise BufferError(error.message) from error
        return capsule_new(managed, DLPACK_NAMES[versioned], capsule_destructor)

    @classmethod
    def from_dlpack(cls, source, stream=None):
        """A tensor that shares the memory of anything with a __dlpack__ method, such as an array or a tensor. On a GPU all
        work on the new tensor is put on that stream, the address of a cudaStream_t (None: 1, the default stream): name
        the one that the source's library works on, then nobody waits."""
        arguments = {}
        try:
            device = getattr(source, "__dlpack_device__", lambda: CPU)()
        except ValueError as error:  # DLPack has no number for it
            raise BufferError(str(error)) from error
        if device[0] == CUDA:
            stream = arguments["stream"] = stream or DEFAULT_STREAM
        try:
            capsule = source.__dlpack__(max_version=(1, 0), **arguments)
        except TypeError:  # older than DLPack 1.0
            capsule = source.__dlpack__(**arguments)
        for versioned, name in DLPACK_NAMES.items():
            if capsule_is_valid(capsule, name):
                managed = capsule_get_pointer(capsule, name)
                # It is taken before it is looked at, so that nobody else takes it meanwhile.
                capsule_set_name(capsule, USED_NAMES[versioned])
                try:
                    return Sng.Tensor.new_from_dlpack_on(managed, versioned, stream or DEFAULT_STREAM)
                except GLib.Error:
                    capsule_set_name(capsule, name)
                    raise
        raise ValueError(f"{capsule!r} holds no tensor by DLPack that nobody has taken yet")

    def to_host(self):
        """The tensor itself where the processor can read it, or else a copy there."""
        if self.__dlpack_device__() == CPU:
            return self
        copy = Sng.Tensor.new(self.get_dtype(), self.get_shape(), None)
        copy.copy_from(self)
        return copy

    @property
    def __array_interface__(self):
        if self.get_dtype() not in NUMPY_NAMES:
            raise AttributeError(f"NumPy has no {Sng.Dtype.get_name(self.get_dtype())}")
        if self.__dlpack_device__() != CPU:
            raise AttributeError(f"NumPy cannot read {self!r}")
        size = Sng.Dtype.get_size(self.get_dtype())
        return {
            "version": 3,
            "typestr": NUMPY_NAMES[self.get_dtype()],
            "shape": tuple(self.get_shape()),
            "strides": tuple(stride * size for stride in self.get_strides()),
            "data": (self.get_data() or 0, self.is_read_only()),
        }

    def __array__(self, *args, **kwargs):
        """What NumPy asks for where it cannot have the interface: it would make an array of one object."""
        raise TypeError(f"{self!r} is no memory that NumPy can share: numpy () has a copy of what lies on a GPU")

    def numpy(self):
        """The tensor as a NumPy array that shares its memory; of one in a GPU's memory a copy, which is read-only so that
        nobody takes it for the tensor."""
        import numpy
        if self.get_dtype() not in NUMPY_NAMES:
            raise TypeError(f"NumPy has no {Sng.Dtype.get_name(self.get_dtype())}")
        # Not by DLPack: NumPy before 2.1 would make each array read-only, and before 1.25 take no bool.
        host = self.to_host()
        array = numpy.asarray(host)
        if host is not self:
            array.flags.writeable = False
        return array

    @classmethod
    def from_numpy(cls, array):
        """A tensor of its own with a copy of what NumPy makes an array of."""
        import numpy
        array = numpy.asarray(array)
        for dtype, name in NUMPY_NAMES.items():
            if numpy.dtype(name) == array.dtype.newbyteorder("<"):
                tensor = Sng.Tensor.new(dtype, array.shape, None)
                tensor.set_bytes(GLib.Bytes.new(array.astype(name).tobytes()))
                return tensor
        raise TypeError(f"no tensor holds NumPy's {array.dtype}")

    def __repr__(self):
        device = self.get_device().get_name()
        return f"<Sng.Tensor {self.describe()}{'' if device == 'cpu' else f' on {device}'}>"


@override
class StateDict(Sng.StateDict):
    """Tensors come out as Sng.Tensor, values as Python's bool, int, float, str, ..."""

    def __getitem__(self, name):
        tensor = self.lookup_tensor(name)
        value = self.lookup_value(name) if tensor is None else None
        if tensor is None and value is None:
            raise KeyError(name)
        return value.unpack() if tensor is None else tensor

    def __setitem__(self, name, value):
        if isinstance(value, Sng.Tensor):
            self.set_tensor(name, value)
        elif isinstance(value, GLib.Variant):
            self.set_value(name, value)
        else:
            for kind, code in ((bool, "b"), (int, "x"), (float, "d"), (str, "s")):
                if isinstance(value, kind):
                    return self.set_value(name, GLib.Variant(code, value))
            self.set_tensor(name, Tensor.from_numpy(value))

    def __delitem__(self, name):
        if not self.remove(name):
            raise KeyError(name)

    def __contains__(self, name):
        return self.contains(name)

    def __iter__(self):
        return iter(self.dup_names())

    def __len__(self):
        return self.get_n_items()

    def __repr__(self):
        return "<Sng.StateDict {%s}>" % ", ".join(f"{name!r}: {self[name]!r}" for name in self)


@override
class Shard(Sng.Shard):
    def __eq__(self, other):
        return self.equal(other) if isinstance(other, Sng.Shard) else NotImplemented

    def __hash__(self):
        return hash((*self.get_global_shape(), *self.get_offset(), *self.get_shape()))

    def __repr__(self):
        return f"<Sng.Shard {self.get_shape()} at {self.get_offset()} of {self.get_global_shape()}>"


@override
class CheckpointStore(Sng.CheckpointStore):
    def save_async(self, checkpoint, cancellable=None, callback=None, *user_data):
        """Without a callback, returns what asyncio can await: the directory of the checkpoint, which is durable then.
        The state was copied when this returns, awaited or not."""
        begin = super().save_async
        if callback is not None:
            return begin(checkpoint, cancellable, callback, *user_data)

        # The event loop of asyncio does not run GLib's, so a thread does, of a context that nobody else uses.
        context = GLib.MainContext()
        results = []
        context.push_thread_default()
        try:
            begin(checkpoint, cancellable, lambda store, result: results.append(result))
        finally:
            context.pop_thread_default()

        async def finish():
            while not results:
                await asyncio.get_running_loop().run_in_executor(None, context.iteration, True)
            return self.save_finish(results[0])
        return finish()

    def __repr__(self):
        return f"<Sng.CheckpointStore {self.get_path()!r}>"


handed_on = []  # the last exception that became an error, with that one's message


def find_exception(error):
    """The exception that the error of a run comes from, if it was raised in this process; it is told once."""
    for message, exception in handed_on:
        handed_on.clear()
        return exception if message in error.message else None
    return None


def hand_on_exceptions(cls):
    """PyGObject prints an exception that is no GLib.Error, and C learns only that something went wrong."""
    def wrap(function):
        @functools.wraps(function)
        def vfunc(*args):
            try:
                return function(*args)
            except GLib.Error:
                raise
            except Exception as error:
                traceback.print_exc()
                message = f"{type(error).__name__}: {error}"
                handed_on[:] = [(message, error)]
                raise GLib.Error.new_literal(Sng.error_quark(), message, Sng.Error.FAILED) from error
        return vfunc

    for name, function in list(vars(cls).items()):
        if name.startswith("do_"):
            setattr(cls, name, wrap(function))


@override
class Stateful(Sng.Stateful):
    def __init_subclass__(cls):
        # GObject would put the functions into the table of the parent, and so change each of its other children.
        if {"do_get_state", "do_check_state", "do_set_state"} & set(vars(cls)) and Stateful not in cls.__bases__:
            raise TypeError(f"{cls.__name__} implements a function of Sng.Stateful and must name it among its bases")
        hand_on_exceptions(cls)


# Names that begin with a digit can be written with an underscore before it, as those of Gdk.
for name in [name for name in vars(Sng.Precision) if name[0].isdigit()]:
    setattr(Sng.Precision, f"_{name}", getattr(Sng.Precision, name))

for cls in (Sng.DataModule, Sng.Trainer, Sng.Callback, Sng.Harness):
    cls.__init_subclass__ = classmethod(hand_on_exceptions)


def add_metric(add):
    """A function for a metric has nowhere to put an error, so its exception is kept for the error that C makes of it."""
    @functools.wraps(add)
    def wrapper(self, name, function, *user_data):
        def compute(*args):
            try:
                return function(*args)
            except Exception as error:
                handed_on[:] = [(f".{name} failed without an error", error)]
                raise
        return add(self, name, compute, *user_data)
    return wrapper


Sng.Harness.add_metric = add_metric(Sng.Harness.add_metric)


def interruptible(function):
    """Python hears of a signal when C returns, which is at the end of the run. So a thread listens meanwhile."""
    def listen(pipe, previous, cancellable):
        while numbers := os.read(pipe, 64):
            if signal.SIGINT in numbers:
                cancellable.cancel()
            if previous >= 0:
                os.write(previous, numbers)

    @functools.wraps(function)
    def run(self, cancellable=None):
        if (Sng.Harness.is_child() or threading.current_thread() is not threading.main_thread()
                or signal.getsignal(signal.SIGINT) is not signal.default_int_handler):
            return function(self, cancellable)

        interrupted = False

        def interrupt(*args):  # a second one interrupts whatever Python is doing
            nonlocal interrupted
            interrupted = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        cancellable = cancellable or Gio.Cancellable()
        pipe, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.signal(signal.SIGINT, interrupt)
        previous = signal.set_wakeup_fd(wakeup)
        thread = threading.Thread(target=listen, args=(pipe, previous, cancellable))
        thread.start()
        try:
            return function(self, cancellable)
        except GLib.Error as error:
            if interrupted:
                raise KeyboardInterrupt from error
            raise
        finally:
            signal.set_wakeup_fd(previous)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.close(wakeup)
            thread.join()
            os.close(pipe)
    return run


for name in ("stop", "resume", "continuous", "run_stop_and_go"):
    setattr(Sng.Harness, name, interruptible(getattr(Sng.Harness, name)))


@override
class Report(Sng.Report):
    def __repr__(self):
        return f"<Sng.Report {self.get_summary()}>"

