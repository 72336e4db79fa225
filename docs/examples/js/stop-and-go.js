#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Checks that a small ESM-2, trained on the proteins that come with libsng,
// comes out the same when it is stopped and resumed.

import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';

const Esm2Harness = GObject.registerClass(class Esm2Harness extends Sng.Harness {
    vfunc_setup_model(mode) {
        const config = Sng.TransformerConfig.new(Sng.Architecture.ESM2, 2, 32, 4);
        config.max_length = 64;
        const model = Sng.Transformer.new(config, null);
        const data = Sng.FastaDataModule.new(null, 64);
        const optimizer = Sng.Adamw.new(model.get_parameters(), 1e-3, 0.01);
        const scheduler = Sng.CosineLr.new(1e-3, 1e-5, 2, 10);
        return {model, data, optimizer, scheduler};
    }
});

const harness = new Esm2Harness({num_steps: 10, stop_step: 5});
harness.connect('mode-started', (_, mode) => print(`${Sng.mode_to_string(mode)} …`));
harness.connect('divergence', (_, divergence) => print(divergence));

// Starts this program again for each mode; only the first process gets past this line. The main loop runs meanwhile.
const report = await harness.run_stop_and_go_async();

for (const metric of report)
    print(metric.get_name().padEnd(20), `${metric.get_compared()}`.padStart(5), Sng.verdict_to_string(metric.get_verdict()));
print(report);
System.exit(report.get_verdict() === Sng.Verdict.PASS ? 0 : 1);
