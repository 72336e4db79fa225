// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store of checkpoints on its own: values and tensors in and out, saves in
// the background, ranks.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';
import {assert, assertEqual, assertThrows, run, settle, test, withDirectory} from './tap.js';

const MANY = 4000000;  // F32, which take a while to write

const other = new GLib.Bytes(new Uint8Array(4 * MANY).fill(255));

function testWithStore(title, body) {
    test(title, () => withDirectory(directory =>
        body(`${directory}/checkpoints`, Sng.CheckpointStore.new(`${directory}/checkpoints`))));
}

function newCheckpoint(step, tensor) {
    const state = new Sng.StateDict();
    state.set_tensor('w', tensor);
    state.set_int64('n', step);
    state.set_double('x', 0.1);
    state.set_value('s', GLib.Variant.new_string('text'));
    const checkpoint = Sng.Checkpoint.new(step);
    checkpoint.set_state('model', state);
    return checkpoint;
}

const newTensor = values => Sng.Tensor.new_from_values(Sng.Dtype.F32, [values.length], values);

function load(path) {
    const [checkpoint, refused] = Sng.CheckpointStore.new(path).load_latest();
    assertEqual(refused, null);
    return [checkpoint.get_step(), new Map(checkpoint.lookup_state('model'))];
}

testWithStore('tensors-and-values', (path, store) => {
    assertEqual(store.save(newCheckpoint(7, newTensor([0.5, -2]))), `${path}/step-00000007`);
    const [step, state] = load(path);
    assertEqual([step, state.get('w').dup_values()], [7, [0.5, -2]]);
    assertEqual(['n', 'x', 's'].map(name => state.get(name)), [7, 0.1, 'text']);
});

testWithStore('refused', (path, store) => {
    for (const step of [1, 2])
        store.save(newCheckpoint(step, newTensor([step])));
    const file = `${path}/step-00000002/model.safetensors`;
    const [, bytes] = GLib.file_get_contents(file);
    bytes[bytes.length - 1] ^= 1;
    GLib.file_set_contents(file, bytes);
    const [checkpoint, refused] = store.load_latest();
    assertEqual([checkpoint.get_step(), refused.length], [1, 1]);
    assert(/^step-00000002: .*'w'/.test(refused[0]), refused[0]);
});

testWithStore('superseded', (path, store) => {
    for (const step of [1, 2, 3])
        store.save(newCheckpoint(step, newTensor([step])));
    for (const superseded of [null, [], [1, 2, 99]]) {
        assert(store.begin_save(newCheckpoint(4, newTensor([4])), superseded));
        assert(store.wait());
    }
    assertEqual(store.list(), [`${path}/step-00000003`, `${path}/step-00000004`]);
});

testWithStore('nobody-holds-anything', path => {
    (() => {
        const live = Sng.Tensor.new(Sng.Dtype.F32, [MANY], null);
        Sng.CheckpointStore.new(path).begin_save(newCheckpoint(1, live), null);
        live.set_bytes(other);
    })();
    // The collector takes the store when it likes, which then waits for its save.
    for (let i = 0; i < 100 && Sng.CheckpointStore.new(path).list().length === 0; i++) {
        System.gc();
        GLib.usleep(20000);
    }
    const [step, state] = load(path);
    assertEqual([step, state.get('w').get_value(MANY - 1)], [1, 0]);
});

testWithStore('callback', (path, store) => {
    const loop = new GLib.MainLoop(null, false);
    let saved = null;
    store.save_async(newCheckpoint(1, newTensor([1])), null, (source, result) => {
        saved = source.save_finish(result);
        loop.quit();
    });
    assertEqual(saved, null);
    loop.run();
    assertEqual(saved, `${path}/step-00000001`);
});

testWithStore('promise', (path, store) => {
    const live = Sng.Tensor.new(Sng.Dtype.F32, [MANY], null);
    const promise = store.save_async(newCheckpoint(3, live));
    live.set_bytes(other);
    System.gc();
    assertEqual(settle(promise).value, `${path}/step-00000003`);
    const [step, state] = load(path);
    assertEqual([step, state.get('w').get_value(MANY - 1)], [3, 0]);
});

testWithStore('promise-fails', (path, store) => {
    GLib.file_set_contents(path, 'in the way');
    const {error} = settle(store.save_async(newCheckpoint(1, newTensor([1]))));
    assert(error.message.includes('[checkpoint][save]'), error.message);
    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    const cancelled = settle(store.save_async(newCheckpoint(1, newTensor([1])), cancellable)).error;
    assert(cancelled.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED));
});

testWithStore('two-ranks', (path, store) => {
    const shape = [3, 2];
    const table = Sng.Tensor.new_from_values(Sng.Dtype.I32, shape, [0, 1, 2, 3, 4, 5]);
    const save = rank => {
        const shard = Sng.Shard.new_split(shape, 0, rank, 2);
        const part = newCheckpoint(7, newTensor([1]));
        part.lookup_state('model').set_shard('table', shard.slice(table), shard);
        Sng.CheckpointStore.new(path).save_rank(part, rank, 2);
    };
    save(1);
    const error = assertThrows(() => store.commit_ranks(7, 2));
    assert(error.message.includes('rank 0 of 2 has not saved its part'), error.message);
    save(0);
    assertEqual(store.list(), []);
    assertEqual(store.commit_ranks(7, 2), `${path}/step-00000007`);
    const whole = load(path)[1].get('table');
    assertEqual([whole.get_shape(), whole.dup_values()], [shape, [0, 1, 2, 3, 4, 5]]);
});

test('shards', () => {
    const shard = Sng.Shard.new([3, 2], [2, 0], [1, 2]);
    assertEqual([shard.get_global_shape(), shard.get_offset(), shard.get_shape()], [[3, 2], [2, 0], [1, 2]]);
    assert(shard.equal(Sng.Shard.new_split([3, 2], 0, 1, 2)) && !shard.is_whole());
    assert(Sng.Shard.new([], [], []).is_whole());
    const error = assertThrows(() => Sng.Shard.new([3, 2], [2, 1], [1, 2]));
    assert(error.matches(Sng.Error, Sng.Error.INVALID_ARGUMENT) && error.message.includes('reaches outside'));
});

run('/sng/js/checkpoint-store');
