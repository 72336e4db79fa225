// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The conveniences of overrides/Sng.js.

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

run('/sng/js/overrides');
