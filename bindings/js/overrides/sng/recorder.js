// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a training records, as a plain object: {TrainLoss: 0.5, ModelWeights: {w: Float32Array.of(1)}}.

/* exported init */

const {values} = imports.overrides.sng;

// METRIC where a metric is one value, and METRIC/PATH for each of several.
function toState(Sng, metrics) {
    if (metrics === null || metrics instanceof Sng.StateDict)
        return metrics;
    if (typeof metrics !== 'object' || Array.isArray(metrics))
        throw new TypeError(`the metrics are ${values.show(metrics)}: pass an object {METRIC: value, …}`);
    const named = [];
    for (const [metric, value] of metrics instanceof Map ? metrics : Object.entries(metrics)) {
        if (metric === '')
            throw new TypeError('a metric has an empty name: its name is METRIC or METRIC/PATH');
        for (const [path, leaf, shard] of values.leaves(value, metric)) {
            const rest = path.slice(metric.length + 1);
            const separator = metric.includes('/') ? '.' : '/';
            named.push([rest === '' ? metric : `${metric}${separator}${rest}`, leaf, shard]);
        }
    }
    return values.fill(new Sng.StateDict(), named);
}

function init(Sng) {
    // A recorder that is not active looks at nothing.
    const {record, step} = Sng.Recorder.prototype;
    Sng.Recorder.prototype.record = function (stage, number, microBatch, metrics) {
        return !this.is_active() || record.call(this, stage, number, microBatch, toState(Sng, metrics));
    };
    Sng.Recorder.prototype.step = function (number, metrics = null) {
        return !this.is_active() || step.call(this, number, toState(Sng, metrics));
    };
}
