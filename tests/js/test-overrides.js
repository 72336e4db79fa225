// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The conveniences of overrides/Sng.js: values in and out, iteration, texts,
// promises.

import Gio from 'gi://Gio';
import GIRepository from 'gi://GIRepository?version=2.0';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';
import {LinearHarness} from './linear.js';
import {assert, assertEqual, assertThrows, run, settle, test, withDirectory} from './tap.js';

function tensor(...values) {
    return Sng.Tensor.new_from_values(Sng.Dtype.F32, [values.length], values);
}

test('state-dict-is-iterable', () => {
    const state = new Sng.StateDict();
    const t = tensor(1, 2, 3);
    state.set_tensor('t', t);
    state.set_int64('i', 3);
    const entries = new Map(state);
    assertEqual([...entries.keys()], ['t', 'i']);
    assert(entries.get('t') === t && entries.get('i') === 3);
});

test('state-dict-without-entries', () => {
    assertEqual([...new Sng.StateDict()], []);
    assertEqual(Sng.StateDict.from({a: {}, b: []}).get_n_items(), 0);
});

// Of a NaN only the sign comes out: other bits would be an object's address to the interpreter.
test('nan', () => {
    for (const dtype of [Sng.Dtype.F64, Sng.Dtype.F32, Sng.Dtype.F16, Sng.Dtype.BF16, Sng.Dtype.C64]) {
        const bytes = new GLib.Bytes(new Uint8Array(Sng.dtype_get_size(dtype)).fill(255));
        const nan = Sng.Tensor.new_from_bytes(dtype, [1], bytes);
        assert(isNaN(nan.get_value(0)) && nan.dup_values().every(isNaN));
    }
});

test('values/types', () => {
    const state = Sng.StateDict.from({d: 1, x: 1n, b: false, s: 'text', q: GLib.Variant.new_int16(7)});
    for (const [name, type] of [['d', 'd'], ['x', 'x'], ['b', 'b'], ['s', 's'], ['q', 'n']])
        assertEqual(state.lookup_value(name).get_type_string(), type, name);
    assertEqual(state.toObject(), {d: 1, x: 1, b: false, s: 'text', q: 7});
    assertEqual([state.lookup('d'), state.lookup('nobody')], [1, undefined]);
    assert(state.assign({d: 2, more: 3}) === state);
    assertEqual([state.lookup('d'), state.lookup('more'), state.get_n_items()], [2, 3, 6]);
});

test('values/large-integers', () => {
    for (const value of [0n, -1n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n])
        assert(BigInt(Sng.StateDict.from({value}).lookup('value')) === value, `${value}`);
    const unsigned = new Sng.StateDict();
    unsigned.set_value('t', GLib.Variant.parse(new GLib.VariantType('t'), '18446744073709551615', null, null));
    assert(unsigned.lookup('t') === 2n ** 64n - 1n);
    const error = assertThrows(() => Sng.StateDict.from({value: 2n ** 63n}));
    assert(error instanceof RangeError && error.message.includes('64 bits'), error.message);
});

test('values/typed-arrays', () => {
    for (const [array, dtype] of [
        [Float64Array.of(0.1, NaN, -0), 'F64'], [Float32Array.of(0.5, -2), 'F32'], [BigInt64Array.of(-(2n ** 63n)), 'I64'],
        [Int32Array.of(-7), 'I32'], [Int16Array.of(-7), 'I16'], [Int8Array.of(-7), 'I8'], [Uint8Array.of(255), 'U8'],
        [Uint16Array.of(65535), 'U16'], [Uint32Array.of(2 ** 32 - 1), 'U32'], [BigUint64Array.of(2n ** 64n - 1n), 'U64'],
        [new Float32Array(0), 'F32']]) {
        for (const made of [Sng.Tensor.from(array), Sng.StateDict.from({array}).lookup('array')]) {
            assertEqual([made.get_dtype(), made.get_shape()], [Sng.Dtype[dtype], [array.length]], dtype);
            const back = made.toTypedArray();
            assert(back.constructor === array.constructor && back.length === array.length, dtype);
            assert(back.every((value, i) => Object.is(value, array[i])), `${dtype}: ${back}`);
        }
    }
    assertEqual(Sng.Tensor.from(Uint8ClampedArray.of(300)).toTypedArray()[0], 255);
    const flags = Sng.Tensor.new_from_values(Sng.Dtype.BOOL, [2], [1, 0]);
    assertEqual([...flags.toTypedArray()], [1, 0]);
});

test('values/tensors-are-copies', () => {
    const window = new Float32Array(8).fill(1).subarray(2, 6);
    const made = Sng.Tensor.from(window, [2, 2]);
    window.fill(7);
    assertEqual([made.get_shape(), made.dup_values()], [[2, 2], [1, 1, 1, 1]]);
    made.toTypedArray().fill(9);
    assertEqual(made.dup_values(), [1, 1, 1, 1]);
    made.copy_from(Sng.Tensor.from(window, [2, 2]));
    assertEqual(made.dup_values(), [7, 7, 7, 7]);
    const column = Sng.Tensor.from(Int32Array.of(0, 1, 2, 3), [2, 2]).new_view(1, [2], [2]);
    assertEqual([...column.toTypedArray()], [1, 3]);
});

test('values/wrong-tensors', () => {
    assert(assertThrows(() => Sng.Tensor.from([1, 2])).message.includes('an Array is no typed array: pass a Float32Array'));
    assert(assertThrows(() => Sng.Tensor.from(new DataView(new ArrayBuffer(1)))).message.includes('no tensor holds a DataView'));
    assert(assertThrows(() => Sng.Tensor.from(new Float32Array(3), [2, 2])) instanceof GLib.Error);
    const half = Sng.Tensor.new_from_values(Sng.Dtype.BF16, [1], [1]);
    assert(assertThrows(() => half.toTypedArray()).message.includes('dup_values()'));
});

test('values/nested', () => {
    const t = tensor(1);
    const object = {model: {layers: [{w: t}, {w: t}], name: 'm'}, list: [1, 2], map: new Map([['k', true]])};
    const state = Sng.StateDict.from(object);
    assertEqual(state.dup_names(), ['model.layers.0.w', 'model.layers.1.w', 'model.name', 'list.0', 'list.1', 'map.k']);
    const back = state.toNestedObject();
    assert(back.model.layers[1].w === t && Array.isArray(back.list));
    assertEqual([back.model.name, back.list, back.map], ['m', [1, 2], {k: true}]);
    assertEqual(Sng.StateDict.from(back).dup_names(), state.dup_names());
    assertEqual(Object.keys(Sng.StateDict.from(JSON.parse('{"__proto__": {"a": 1}}')).toNestedObject()), ['__proto__']);
});

test('values/states', () => {
    const part = new Sng.StateDict();
    const shard = Sng.Shard.new_split([4], 0, 1, 2);
    part.set_shard('table', tensor(1, 2), shard);
    part.set_int64('n', 3);
    const state = Sng.StateDict.from({part, rng: new Sng.RngStream({seed: 7})});
    assert(state.lookup_shard('part.table').equal(shard));
    assertEqual(state.lookup_value('part.n').get_type_string(), 'x');
    assert(state.dup_names().some(name => name.startsWith('rng.')), `${state}`);
});

test('values/wrong-objects', () => {
    const circle = {a: {}};
    circle.a.b = circle;
    class Foreign {}
    for (const [object, message] of [
        [{a: {b: undefined}}, 'a.b is undefined, which cannot be kept: pass a number'],
        [{a: null}, 'a is null'], [{a: () => 1}, 'a is a function'], [{a: Symbol('s')}, 'a is Symbol(s)'],
        [{a: new Foreign()}, 'a is a Foreign'], [{a: new Gio.Cancellable()}, 'a is a Gio.Cancellable'],
        [{'': 1}, 'an empty name'], [{'a.b': 1, a: {b: 2}}, 'a.b is there twice'], [circle, 'no circles'],
        [7, 'the value is 7'], [null, 'the value is null'], [tensor(1), 'the value is an Sng.Tensor']]) {
        const error = assertThrows(() => Sng.StateDict.from(object));
        assert(error instanceof TypeError && error.message.includes(message), error.message);
    }
    const error = assertThrows(() => Sng.StateDict.from({a: 1, 'a.b': 2}).toNestedObject());
    assert(error.message.includes('a.b cannot be nested'), error.message);
});

test('iteration', () => withDirectory(directory => {
    const harness = new LinearHarness({isolation: Sng.Isolation.NONE, keep_runs: true, root_dir: directory});
    const report = harness.run_stop_and_go();
    assert([...report].length > 10);
    assertEqual([...report].map(result => result.get_name()), [...report.get_metrics()].map(result => result.get_name()));
    assert([...report.get_runs()].length === 3 && [...report.get_parts(), ...report.get_faults()].length === 0);
    assertEqual(JSON.parse(JSON.stringify({report})).report.verdict, 'PASS');
    assertEqual(`${report}`, report.get_summary());
    assertEqual(`${[...report][0]}`, `${[...report][0].get_name()}: PASS`);

    const store = Sng.RunStore.open(`${harness.dup_mode_directory(Sng.Mode.CONTINUOUS)}/rank-00000.db`);
    const entries = [...store];
    assertEqual(entries.length, store.list_metrics().reduce((sum, metric) => sum + store.query(metric).length, 0));
    const weights = store.query('Weight', 2, 3).map(entry => entry.toObject());
    assertEqual([weights.map(entry => entry.step), typeof weights[0].value], [[2, 2, 3], 'number']);
    const input = store.query('TrainInput', 1, 1).map(entry => entry.toObject()).find(entry => entry.path === 'x');
    assertEqual([input.dtype, input.shape.length, 'value' in input], [Sng.Dtype.F64, 1, false]);
    assert(`${entries[0]}` === entries[0].describe() && `${store}`.endsWith('rank-00000.db'));

    const registry = Sng.StateRegistry.new();
    registry.add('rng', new Sng.RngStream({seed: 1}));
    assertEqual([...registry].map(([name]) => name), ['rng']);
    assertEqual([...registry.capture(3)].map(([name, state]) => [name, state instanceof Sng.StateDict]), [['rng', true]]);
}));

test('iteration/lists', () => {
    const model = Sng.Transformer.new(Sng.TransformerConfig.new(Sng.Architecture.GPT, 1, 8, 1), null);
    const optimizer = Sng.Sgd.new(model.get_parameters(), 0.1, 0.9, 0);
    const names = [...model.get_parameters()].map(parameter => parameter.name);
    assert(names.length > 5 && names.every(name => typeof name === 'string'));
    assertEqual([...optimizer.get_parameters()].map(parameter => parameter.name), names);
    assert([...Sng.Fault.list()].every(fault => fault instanceof Sng.Fault) && [...Sng.Fault.list()].length > 10);
    const differences = Sng.diff_state_dicts(Sng.StateDict.from({a: Float32Array.of(1, 2)}), Sng.StateDict.from({a: Float32Array.of(1, 3)}));
    assertEqual([...differences].map(difference => [difference.get_name(), difference.get_n_different()]), [['a', 1]]);
    assert(`${[...differences][0]}`.startsWith('1 of 2 elements differ'), `${[...differences][0]}`);
    const callbacks = [...new LinearHarness().get_default_callbacks()];
    assert(callbacks.length > 10 && callbacks.every(callback => callback instanceof Sng.Callback));
});

test('texts', () => {
    const state = Sng.StateDict.from({n: 1, t: tensor(1, 2)});
    for (const [object, text] of [
        [state, '{n: 1, t: F32 [2]}'], [state.lookup('t'), 'F32 [2]'], [Sng.Shard.new_split([4, 2], 0, 1, 2), '[2,2] at [2,0] of [4,2]'],
        [state.compute_fingerprint(), state.compute_fingerprint().to_string()], [Sng.StopPlan.from_string('3'), '3'],
        [Sng.Interrupt.from_string('3:kill'), '3:kill'], [Sng.CheckpointStore.new('/nowhere'), '/nowhere']])
        assertEqual(`${object}`, text);
});

// Each pair of functions …_async and …_finish that the typelib knows.
function pairs() {
    const repository = GIRepository.Repository.get_default();
    const found = [];
    for (let i = 0; i < repository.get_n_infos('Sng'); i++) {
        const info = repository.get_info('Sng', i);
        const n = info.get_type() === GIRepository.InfoType.OBJECT ? GIRepository.object_info_get_n_methods(info) : 0;
        for (let j = 0; j < n; j++) {
            const name = GIRepository.object_info_get_method(info, j).get_name();
            if (name.endsWith('_async'))
                found.push([info.get_name(), name]);
        }
    }
    return found;
}

// Cancelled from the start, each of them fails at once; what is not a promise has no then().
test('promises/all', () => {
    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    const needed = {save_async: [Sng.Checkpoint.new(1)], run_accumulation_async: [['1x2', '2x1']], run_faults_async: [null]};
    const found = pairs();
    assert(found.length >= 8, `${found}`);
    for (const [className, name] of found) {
        const object = className === 'CheckpointStore' ? Sng.CheckpointStore.new('/nowhere') : new LinearHarness();
        if (!(object instanceof Sng[className]))
            continue;
        const {error} = settle(object[name](...needed[name] ?? [], cancellable));
        assert(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED) || error.matches(Sng.Error, Sng.Error.CANCELLED), `${name}: ${error}`);
    }
});

test('promises/value', () => {
    const harness = new LinearHarness({isolation: Sng.Isolation.NONE});
    const {value} = settle(harness.run_stop_and_go_async());
    assertEqual(value.get_verdict(), Sng.Verdict.PASS);
});

test('promises/error', () => {
    const {error} = settle(new (GObject.registerClass(class NoModel extends Sng.Harness {}))().continuous_async());
    assert(error.message.includes('does not implement setup_model'), error.message);
    assert(error.stack.includes('test-overrides.js'), error.stack);
});

test('promises/callback', () => {
    const loop = new GLib.MainLoop(null, false);
    let report = null;
    const returned = new LinearHarness({isolation: Sng.Isolation.NONE}).run_stop_and_go_async(null, (harness, result) => {
        report = harness.run_stop_and_go_finish(result);
        loop.quit();
    });
    loop.run();
    assertEqual([returned, report.get_verdict()], [undefined, Sng.Verdict.PASS]);
});

run('/sng/js/overrides');
