#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store of checkpoints without a training: saves, saves in the background,
// loads the newest one, and shows what is refused where a file was damaged.

import GLib from 'gi://GLib';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';

function newCheckpoint(step) {
    const weight = Sng.Tensor.from(new Float32Array(6).fill(step), [2, 3]);
    const state = Sng.StateDict.from({weight, loss: 1 / step, schedule: 'cosine'});
    const checkpoint = Sng.Checkpoint.new(step);
    checkpoint.set_state('model', state);
    return checkpoint;
}

function loadLatest(store) {
    const [checkpoint, refused] = store.load_latest();
    for (const reason of refused ?? [])
        print(`refused: ${reason}`);
    const {loss, weight} = checkpoint.lookup_state('model').toObject();
    print(`step ${checkpoint.get_step()}: loss ${loss}, weight ${weight}: ${weight.toTypedArray()}`);
    return checkpoint;
}

const directory = GLib.dir_make_tmp('checkpoints-XXXXXX');
const store = Sng.CheckpointStore.new(directory);
for (const step of [1, 2])
    store.save(newCheckpoint(step));

// The state is copied before this returns. Step 1 goes when step 3 is durable.
store.begin_save(newCheckpoint(3), [1]);
store.wait();
loadLatest(store);

const path = `${store.list().at(-1)}/model.safetensors`;
const [, content] = GLib.file_get_contents(path);
content[content.length - 1] ^= 1;
GLib.file_set_contents(path, content);
const step = loadLatest(store).get_step();

for (const kept of [2, 3])
    store.remove(kept);
GLib.rmdir(directory);
System.exit(step === 2 ? 0 : 1);
