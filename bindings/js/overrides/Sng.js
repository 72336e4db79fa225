// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes libsng feel at home in JavaScript. It adds, and changes no
// signature: a state dictionary is iterable, as a Map is.

function _init() {
    // Yields [name, value]: a tensor, or an unpacked value.
    this.StateDict.prototype[Symbol.iterator] = function* () {
        for (const name of this.dup_names())
            yield [name, this.lookup_tensor(name) ?? this.lookup_value(name).recursiveUnpack()];
    };
}
