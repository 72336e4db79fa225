// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The conveniences of overrides/Sng.js.

import GLib from 'gi://GLib';
import Sng from 'gi://Sng?version=1.0';
import {assert, assertEqual, run, test} from './tap.js';

test('state-dict-is-iterable', () => {
    const state = new Sng.StateDict();
    const tensor = Sng.Tensor.new(Sng.Dtype.F32, [2, 3], null);
    state.set_tensor('t', tensor);
    state.set_int64('i', 3);
    const entries = new Map(state);
    assertEqual([...entries.keys()], ['t', 'i']);
    assert(entries.get('t') === tensor && entries.get('i') === 3);
});

test('state-dict-without-entries', () => {
    assertEqual([...new Sng.StateDict()], []);
});

// Of a NaN only the sign comes out: other bits would be an object's address to the interpreter.
test('nan', () => {
    for (const dtype of [Sng.Dtype.F64, Sng.Dtype.F32, Sng.Dtype.F16, Sng.Dtype.BF16, Sng.Dtype.C64]) {
        const bytes = new GLib.Bytes(new Uint8Array(Sng.dtype_get_size(dtype)).fill(255));
        const tensor = Sng.Tensor.new_from_bytes(dtype, [1], bytes);
        assert(isNaN(tensor.get_value(0)) && tensor.dup_values().every(isNaN));
    }
});

run('/sng/js/overrides');
