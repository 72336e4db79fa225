// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// for … of. The lists that the library returns (metrics, parts, runs, faults,
// parameters) are iterable by gjs itself.

/* exported init */

const {values} = imports.overrides.sng;

function init(Sng) {
    // Yields [name, value]: a tensor, or an unpacked value.
    Sng.StateDict.prototype[Symbol.iterator] = function* () {
        for (const name of this.dup_names())
            yield [name, this.lookup(name)];
    };

    // Yields [name, stateful], and [name, state].
    Sng.StateRegistry.prototype[Symbol.iterator] = function* () {
        for (const name of this.dup_names())
            yield [name, this.lookup(name)];
    };
    Sng.Checkpoint.prototype[Symbol.iterator] = function* () {
        for (const name of this.dup_names())
            yield [name, this.lookup_state(name)];
    };

    // Yields the result of each metric.
    Sng.Report.prototype[Symbol.iterator] = function () {
        return this.get_metrics()[Symbol.iterator]();
    };

    // Yields all that was recorded.
    Sng.RunStore.prototype[Symbol.iterator] = function () {
        return this.query()[Symbol.iterator]();
    };

    // Without a metric or steps, all of them.
    const {query} = Sng.RunStore.prototype;
    Sng.RunStore.prototype.query = function (metric = null, firstStep = 0, lastStep = Number.MAX_SAFE_INTEGER) {
        return query.call(this, metric, firstStep, lastStep);
    };

    // What was recorded, as a plain object.
    Sng.Metadata.prototype.toObject = function () {
        const entry = {
            metric: this.get_metric(), stage: this.get_stage(), step: this.get_step(),
            microBatch: this.get_micro_batch(), rank: this.get_rank(), path: this.get_path(),
        };
        if (!this.is_tensor())
            return {...entry, value: values.unpack(this.get_value())};
        return {...entry, dtype: this.get_dtype(), shape: this.get_shape(), fingerprint: this.get_fingerprint()};
    };
}
