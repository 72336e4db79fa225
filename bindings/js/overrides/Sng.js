// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes libsng feel at home in JavaScript. It adds, and changes no
// signature: a state dictionary is iterable, as a Map is, and a save can be
// awaited.

function _init() {
    // Yields [name, value]: a tensor, or an unpacked value.
    this.StateDict.prototype[Symbol.iterator] = function* () {
        for (const name of this.dup_names())
            yield [name, this.lookup_tensor(name) ?? this.lookup_value(name).recursiveUnpack()];
    };

    // Without a callback, returns a promise: the directory of the checkpoint, which is durable then. The state was copied
    // when this returns.
    const saveAsync = this.CheckpointStore.prototype.save_async;
    this.CheckpointStore.prototype.save_async = function (checkpoint, cancellable = null, callback = null) {
        if (callback !== null)
            return saveAsync.call(this, checkpoint, cancellable, callback);
        return new Promise((resolve, reject) => {
            saveAsync.call(this, checkpoint, cancellable, (store, result) => {
                try {
                    resolve(store.save_finish(result));
                } catch (error) {
                    reject(error);
                }
            });
        });
    };
}
