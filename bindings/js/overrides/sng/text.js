// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What print() and JSON.stringify() show.

/* exported init */

const TEXTS = {
    Checkpoint: checkpoint => `the state after step ${checkpoint.get_step()}: ${checkpoint.dup_names().join(', ')}`,
    CheckpointStore: store => store.get_path(),
    Diagnosis: diagnosis => diagnosis.to_string(),
    Divergence: divergence => divergence.to_string(),
    Fingerprint: fingerprint => fingerprint.to_string(),
    Metadata: entry => entry.describe(),
    Report: report => report.get_summary(),
    RunStore: store => store.get_path(),
    Shard: shard => `[${shard.get_shape()}] at [${shard.get_offset()}] of [${shard.get_global_shape()}]`,
    StateDict: state => `{${[...state].map(([name, value]) => `${name}: ${value}`).join(', ')}}`,
    StopPlan: plan => plan.to_string(),
    Interrupt: interrupt => interrupt.to_string(),
    Tensor: tensor => tensor.describe(),
    TensorDiff: diff => diff.to_string(),
};

function init(Sng) {
    for (const [name, toText] of Object.entries(TEXTS)) {
        Sng[name].prototype.toString = function () {
            return toText(this);
        };
    }

    Sng.MetricResult.prototype.toString = function () {
        return `${this.get_name()}: ${Sng.verdict_to_string(this.get_verdict())}`;
    };

    Sng.Report.prototype.toJSON = function () {
        return JSON.parse(this.to_json());
    };
}
