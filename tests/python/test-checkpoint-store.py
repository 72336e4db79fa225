#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A store of checkpoints on its own: values and tensors in and out, saves in the background, ranks."""

import asyncio
import gc
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import weakref

import gi
gi.require_version("Sng", "1.0")
from gi.repository import Gio, GLib, Sng
import tap

try:
    import numpy
except ImportError:
    numpy = None

MANY = 4_000_000  # F32, which take a while to write


def new_tensor(values, dtype=Sng.Dtype.F32, shape=None):
    return Sng.Tensor.new_from_values(dtype, shape or [len(values)], values)


def new_checkpoint(step, **entries):
    state = Sng.StateDict()
    for name, value in entries.items():
        state[name] = value
    checkpoint = Sng.Checkpoint.new(step)
    checkpoint.set_state("model", state)
    return checkpoint


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name, "checkpoints")
        self.store = Sng.CheckpointStore.new(str(self.path))

    def steps(self):
        return [pathlib.Path(path).name for path in Sng.CheckpointStore.new(str(self.path)).list()]

    def load(self):
        checkpoint, refused = Sng.CheckpointStore.new(str(self.path)).load_latest()
        self.assertEqual(refused, [])
        return checkpoint.get_step(), checkpoint.lookup_state("model")


class SaveTest(StoreTest):
    def test_tensors_and_values(self):
        path = self.store.save(new_checkpoint(7, w=new_tensor([0.5, -2]), n=3, x=0.1, s="text", b=True))
        self.assertEqual(path, str(self.path / "step-00000007"))
        step, state = self.load()
        self.assertEqual((step, state["w"].dup_values()), (7, [0.5, -2]))
        self.assertEqual([state[name] for name in "nxsb"], [3, 0.1, "text", True])
        self.assertEqual(repr(self.store), f"<Sng.CheckpointStore {str(self.path)!r}>")

    def test_refused(self):
        for step in (1, 2):
            self.store.save(new_checkpoint(step, w=new_tensor([step])))
        file = self.path / "step-00000002" / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-1] + b"\x41")
        checkpoint, refused = self.store.load_latest()
        self.assertEqual(checkpoint.get_step(), 1)
        self.assertEqual(len(refused), 1)
        self.assertRegex(refused[0], "^step-00000002: .*'w'")
        (self.path / "step-00000001" / "state.json").unlink()
        with self.assertRaisesRegex(GLib.Error, "no checkpoint in .* can be used") as caught:
            self.store.load_latest()
        self.assertTrue(caught.exception.matches(Sng.error_quark(), Sng.Error.CORRUPT))

    def test_superseded(self):
        for step in (1, 2, 3):
            self.store.save(new_checkpoint(step, n=step))
        for superseded in (None, [], (1, 2, 99)):
            self.assertTrue(self.store.begin_save(new_checkpoint(4, n=4), superseded))
            self.assertTrue(self.store.wait())
        self.assertEqual(self.steps(), ["step-00000003", "step-00000004"])
        with self.assertRaises((TypeError, OverflowError)):
            self.store.begin_save(new_checkpoint(5, n=5), [-1])


class BackgroundTest(StoreTest):
    def test_copies(self):
        data = bytearray(struct.pack("4f", 1, 2, 3, 4))
        tensor = Sng.Tensor.new_from_bytes(Sng.Dtype.F32, [4], GLib.Bytes.new(data))
        live = Sng.Tensor.new(Sng.Dtype.F32, [MANY], None)
        checkpoint = new_checkpoint(1, w=tensor, live=live, n=1)
        other = GLib.Bytes.new(b"\xff" * 4 * MANY)
        self.store.begin_save(checkpoint, None)
        live.set_bytes(other)
        checkpoint.lookup_state("model")["n"] = 2
        checkpoint.remove_state("model")
        self.store.wait()
        state = self.load()[1]
        self.assertEqual((state["w"].dup_values(), state["n"]), ([1, 2, 3, 4], 1))
        self.assertEqual(state["live"].get_value(MANY - 1), 0)

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_copies_what_is_shared(self):
        array = numpy.full(MANY, 2, dtype="float32")
        checkpoint = new_checkpoint(1, w=Sng.Tensor.from_dlpack(array))
        self.store.begin_save(checkpoint, None)
        array[:] = 3
        array = checkpoint = None
        gc.collect()
        self.store.wait()
        self.assertTrue((self.load()[1]["w"].numpy() == 2).all())

    def test_nobody_holds_anything(self):
        checkpoint = new_checkpoint(1, live=Sng.Tensor.new(Sng.Dtype.F32, [MANY], None))
        self.store.begin_save(checkpoint, None)
        gone = [weakref.ref(self.store), weakref.ref(checkpoint)]
        self.store = checkpoint = None
        gc.collect()
        self.assertEqual([reference() for reference in gone], [None, None])
        self.assertEqual(self.load()[0], 1)  # the store has waited when it went

    def test_nobody_holds_the_store_of_a_callback(self):
        loop = GLib.MainLoop()
        paths = []

        def saved(store, result, *data):
            paths.append((store.save_finish(result), data))
            loop.quit()

        self.store.save_async(new_checkpoint(1, live=Sng.Tensor.new(Sng.Dtype.F32, [MANY], None)), None, saved, "data")
        gone = weakref.ref(self.store)
        self.store = None
        gc.collect()
        self.assertEqual(paths, [])
        loop.run()
        self.assertEqual(paths, [(str(self.path / "step-00000001"), ("data",))])
        self.assertEqual(self.load()[0], 1)
        gc.collect()
        self.assertIsNone(gone())

    def test_end_of_the_program(self):
        program = """if True:
            import sys, gi
            gi.require_version("Sng", "1.0")
            from gi.repository import Sng
            store, state, checkpoint = Sng.CheckpointStore.new(sys.argv[1]), Sng.StateDict(), Sng.Checkpoint.new(1)
            state["w"] = Sng.Tensor.new(Sng.Dtype.F32, [int(sys.argv[2])], None)
            checkpoint.set_state("model", state)
            """
        # The store waits for the one when it goes; the other ends as if it was killed.
        saved = ["latest", "step-00000001"]
        for call, outcomes in {"begin_save(checkpoint, None)": [saved],
                               "save_async(checkpoint, None, print)": [saved, saved[1:], []]}.items():
            path = pathlib.Path(self.directory.name, call[:5])
            subprocess.run([sys.executable, "-c", f"{program}store.{call}", path, str(MANY)], check=True)
            seen = sorted(file.name for file in path.glob("[!.]*"))
            self.assertIn(seen, outcomes)

    def test_failure(self):
        self.path.write_text("in the way")
        self.store.begin_save(new_checkpoint(1, n=1), None)
        with self.assertRaisesRegex(GLib.Error, r"^.*\[checkpoint\]\[background\] .*checkpoints"):
            self.store.wait()
        self.assertTrue(self.store.wait())


class AwaitTest(StoreTest):
    def test_path(self):
        async def save():
            saved = self.store.save_async(new_checkpoint(3, live=Sng.Tensor.new(Sng.Dtype.F32, [MANY], None)))
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0)
                    ticks += 1

            ticking = asyncio.ensure_future(tick())
            path = await saved
            ticking.cancel()
            return path, ticks

        path, ticks = asyncio.run(save())
        self.assertEqual(path, str(self.path / "step-00000003"))
        self.assertGreater(ticks, 0)
        self.assertEqual(self.load()[0], 3)

    def test_order(self):
        async def save():
            saves = [self.store.save_async(new_checkpoint(step, n=step)) for step in (1, 2, 3)]
            return await asyncio.gather(*saves)

        self.assertEqual([pathlib.Path(path).name for path in asyncio.run(save())], self.steps())

    def test_failure(self):
        async def save(cancellable=None):
            await self.store.save_async(new_checkpoint(1, n=1), cancellable)

        self.path.write_text("in the way")
        with self.assertRaisesRegex(GLib.Error, r"\[checkpoint\]\[save\]"):
            asyncio.run(save())
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        with self.assertRaises(GLib.Error) as caught:
            asyncio.run(save(cancellable))
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))


class ShardTest(StoreTest):
    shape = [3, 2]

    def table(self):
        return new_tensor(list(range(6)), Sng.Dtype.I32, self.shape)

    def save_part(self, rank, n_ranks):
        shard = Sng.Shard.new_split(self.shape, 0, rank, n_ranks)
        checkpoint = new_checkpoint(7, n=1)
        checkpoint.lookup_state("model").set_shard("table", shard.slice(self.table()), shard)
        Sng.CheckpointStore.new(str(self.path)).save_rank(checkpoint, rank, n_ranks)

    def test_lists(self):
        shard = Sng.Shard.new(self.shape, [2, 0], (1, 2))
        self.assertEqual((shard.get_global_shape(), shard.get_offset(), shard.get_shape()), ([3, 2], [2, 0], [1, 2]))
        self.assertEqual(shard.slice(self.table()).dup_values(), [4, 5])
        split = Sng.Shard.new_split(self.shape, 0, 1, 2)
        self.assertEqual(split, shard)
        self.assertEqual(hash(split), hash(shard))
        self.assertNotEqual(shard, Sng.Shard.new_split(self.shape, 0, 0, 2))
        self.assertNotEqual(shard, 3)
        self.assertEqual(repr(shard), "<Sng.Shard [1, 2] at [2, 0] of [3, 2]>")
        self.assertTrue(Sng.Shard.new([], [], []).is_whole())
        with self.assertRaisesRegex(GLib.Error, "reaches outside"):
            Sng.Shard.new(self.shape, [2, 1], [1, 2])
        with self.assertRaisesRegex(GLib.Error, "an offset of 1"):
            Sng.Shard.new(self.shape, [2], [1, 2])
        with self.assertRaisesRegex(GLib.Error, "'table' is I32"):
            Sng.StateDict().set_shard("table", self.table(), shard)

    def test_two_ranks(self):
        self.save_part(1, 2)
        with self.assertRaisesRegex(GLib.Error, "rank 0 of 2 has not saved its part"):
            self.store.commit_ranks(7, 2)
        self.save_part(0, 2)
        self.assertEqual(self.steps(), [])
        self.assertEqual(self.store.commit_ranks(7, 2), str(self.path / "step-00000007"))
        state = self.load()[1]
        self.assertEqual(state["table"].get_shape(), self.shape)
        self.assertEqual((state["table"].dup_values(), state["n"]), (list(range(6)), 1))
        self.assertIsNone(state.lookup_shard("table"))


tap.main("/sng/python/checkpoint-store")
