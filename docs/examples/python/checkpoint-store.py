#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A store of checkpoints without a training: saves, saves in the background, loads the newest one, and shows what is
refused where a file was damaged: in the directory that is named, or in a temporary one."""

import pathlib
import sys
import tempfile

import gi
import numpy
gi.require_version("Sng", "1.0")
from gi.repository import Sng


def new_checkpoint(step, weight):
    state = Sng.StateDict()
    state["weight"] = weight
    state["loss"] = 1 / step
    state["schedule"] = "cosine"
    checkpoint = Sng.Checkpoint.new(step)
    checkpoint.set_state("model", state)
    return checkpoint


def load_latest(store):
    checkpoint, refused = store.load_latest()
    for reason in refused:
        print(f"refused: {reason}")
    state = checkpoint.lookup_state("model")
    print(f"step {checkpoint.get_step()}: loss {state['loss']}, weight {state['weight'].numpy().tolist()}")
    return checkpoint


def main(directory):
    store = Sng.CheckpointStore.new(directory)
    weight = numpy.ones((2, 3), dtype="float32")
    for step in (1, 2):
        store.save(new_checkpoint(step, weight * step))

    # The state is copied before this returns. Step 1 goes when step 3 is durable.
    store.begin_save(new_checkpoint(3, weight * 3), [1])
    store.wait()
    load_latest(store)

    path = pathlib.Path(store.list()[-1], "model.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return load_latest(store).get_step() != 2


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else f"{temporary}/checkpoints"))
