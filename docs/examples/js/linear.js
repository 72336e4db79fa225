#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A whole training of one's own: model, data, optimizer and schedule are in
// JavaScript. With the argument "forget" the resume does, and must not pass.

import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';

// y = weight * x, loss = mean squared error
const LineModel = GObject.registerClass(class LineModel extends Sng.Model {
    _init() {
        super._init();
        this.weight = Sng.Parameter.new('weight', Sng.Tensor.from(Float64Array.of(0.1)), Sng.Tensor.from(Float64Array.of(0)));
    }

    vfunc_get_parameters() {
        return [this.weight];
    }

    vfunc_forward(batch, stage) {
        const {x, y} = batch.toObject();
        const [weight] = this.weight.value.toTypedArray();
        const inputs = x.toTypedArray();
        const residuals = y.toTypedArray().map((target, i) => inputs[i] * weight - target);
        if (stage === Sng.Stage.TRAIN)
            this.gradient = residuals.reduce((sum, residual, i) => sum + 2 * residual * inputs[i], 0) / residuals.length;
        return {loss: residuals.reduce((sum, residual) => sum + residual ** 2, 0) / residuals.length, residuals};
    }

    vfunc_backward(scale) {
        const [sum] = this.weight.gradient.toTypedArray();
        return this.weight.gradient.copy_from(Sng.Tensor.from(Float64Array.of(sum + scale * this.gradient)));
    }

    vfunc_zero_gradients() {
        return this.weight.gradient.copy_from(Sng.Tensor.from(Float64Array.of(0)));
    }
});

// Points near a line. The noise comes from the stream, whose position the checkpoint has.
const LineData = GObject.registerClass(class LineData extends Sng.DataModule {
    vfunc_get_n_samples(stage) {
        return stage === Sng.Stage.TRAIN ? 14 : 6;
    }

    vfunc_load_batch(stage, sampleIds, rng) {
        const x = Float64Array.from(sampleIds.toTypedArray(), id => Number(id) * 7 % 11 / 11 - 0.5);
        const y = x.map((value, i) => 2 * value + 0.01 * rng.uniform(rng.get_position() + i, 0, 0));
        return {x, y, sample_ids: sampleIds, n_targets: BigInt(x.length)};
    }
});

// Gradient descent with momentum, which is a state: a resume without it diverges.
const Momentum = GObject.registerClass({Implements: [Sng.Stateful]}, class Momentum extends Sng.Optimizer {
    velocity = 0;

    vfunc_step() {
        const [{value, gradient}] = this.parameters;
        this.velocity = 0.9 * this.velocity + gradient.get_value(0);
        return value.copy_from(Sng.Tensor.from(Float64Array.of(value.get_value(0) - this.learning_rate * this.velocity)));
    }

    vfunc_get_state() {
        return {velocity: this.velocity};
    }

    vfunc_check_state(state) {
        return state.check_layout(this.get_state());
    }

    vfunc_set_state(state) {
        ({velocity: this.velocity} = state.toObject());
        return true;
    }
});

const DecayingLr = GObject.registerClass(class DecayingLr extends Sng.LrScheduler {
    vfunc_compute(step) {
        return 0.2 * 0.9 ** step;
    }
});

const LineHarness = GObject.registerClass(class LineHarness extends Sng.Harness {
    vfunc_setup_model(mode) {
        const model = new LineModel();
        const optimizer = new Momentum({parameters: model.get_parameters(), learning_rate: 0.1});
        return {model, data: new LineData(), optimizer, scheduler: new DecayingLr()};
    }
});

// Restores everything but the momentum.
const ForgetfulHarness = GObject.registerClass(class ForgetfulHarness extends LineHarness {
    vfunc_restore(trainer, checkpoint) {
        checkpoint.set_state('optimizer', trainer.get_optimizer().get_state());
        return trainer.restore(checkpoint);
    }
});

const forgets = ARGV[0] === 'forget';
const Harness = forgets ? ForgetfulHarness : LineHarness;
const report = await new Harness({num_steps: 8, stop_step: 5, val_check_interval: 2}).run_stop_and_go_async();
print(report);
for (const result of report) {
    if (result.get_verdict() === Sng.Verdict.DIVERGED)
        print(result.get_first_divergence());
}
System.exit(report.get_verdict() === (forgets ? Sng.Verdict.DIVERGED : Sng.Verdict.PASS) ? 0 : 1);
