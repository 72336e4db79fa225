// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes libsng feel at home in JavaScript. It adds, and changes no
// signature. Each module in sng/ says what it adds, and init() adds it.

function _init() {
    const {calls, iteration, recorder, signals, text, values, vfuncs} = imports.overrides.sng;
    for (const module of [values, iteration, text, vfuncs, signals, calls, recorder])
        module.init(this);
}
