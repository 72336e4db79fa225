// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A whole training in JavaScript: every class that can be derived from, and
// every function of it. The tests look at calls to see that each was really
// called.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';

export const calls = new Set();

// Registers a class, and notes each call of its functions as "Class.function".
// The function that the static property planted names throws instead.
function register(meta, cls) {
    for (const name of Object.getOwnPropertyNames(cls.prototype)) {
        const method = cls.prototype[name];
        if (name.startsWith('vfunc_')) {
            cls.prototype[name] = function (...args) {
                calls.add(`${cls.name}.${name.slice(6)}`);
                if (cls.planted === name)
                    throw new Error('planted');
                return method.apply(this, args);
            };
        }
    }
    return GObject.registerClass({GTypeName: `Js${cls.name}`, ...meta}, cls);
}

export function vector(values) {
    return Sng.Tensor.new_from_values(Sng.Dtype.F64, [values.length], values);
}

export function items(list) {
    return Array.from({length: list.get_n_items()}, (_, i) => list.get_item(i));
}

// State beside the parameters: how many batches the model has been trained on.
export const BatchCounter = register({Implements: [Sng.Stateful]}, class BatchCounter extends GObject.Object {
    count = 0;

    vfunc_get_state() {
        const state = new Sng.StateDict();
        state.set_int64('count', this.count);
        return state;
    }

    vfunc_check_state(state) {
        if (state.get_int64('count')[1] < 0)
            throw new GLib.Error(Sng.error_quark(), Sng.Error.INVALID_DATA, 'a negative count');
        return true;
    }

    vfunc_set_state(state) {
        this.count = state.get_int64('count')[1];
        return true;
    }
});

// prediction = x * weight + bias, loss = mean squared error
export const LinearModel = register({}, class LinearModel extends Sng.Model {
    _init() {
        super._init();
        this.parameters = Gio.ListStore.new(Sng.Parameter);
        for (const name of ['weight', 'bias'])
            this.parameters.append(Sng.Parameter.new(name, vector([0]), vector([0])));
        this.batches = new BatchCounter();
        this.kept = {x: [], residual: []};
        this.round = value => value;
    }

    // Rounds the operands of products to binary32, which is less than they are.
    vfunc_set_precision(precision) {
        if (precision !== Sng.Precision['32'])
            throw new GLib.Error(Sng.error_quark(), Sng.Error.NOT_SUPPORTED, 'nothing but 32');
        this.round = Math.fround;
        return true;
    }

    vfunc_find_non_finite() {
        const tensors = items(this.parameters).map(p => [p.get_name(), p.get_value().dup_values()]);
        const found = [...tensors, ['residual', this.kept.residual]].find(([, values]) => !values.every(Number.isFinite));
        return found ? found[0] : null;
    }

    vfunc_get_parameters() {
        return this.parameters;
    }

    vfunc_forward(batch, stage) {
        const [weight, bias] = items(this.parameters).map(p => this.round(p.get_value().get_value(0)));
        const x = batch.get_tensor('x').dup_values().map(this.round);
        const y = batch.get_tensor('y').dup_values();
        const residual = x.map((_, i) => x[i] * weight + bias - y[i]);
        if (stage === Sng.Stage.TRAIN) {
            this.kept = {x, residual};
            this.batches.count++;
        }
        const outputs = new Sng.StateDict();
        outputs.set_double('loss', residual.reduce((sum, r) => sum + r * r, 0) / x.length);
        outputs.set_tensor('residual', vector(residual));
        return outputs;
    }

    vfunc_backward(scale) {
        const {x, residual} = this.kept;
        const factor = 2 * scale / x.length;
        const sums = [residual.reduce((sum, r, i) => sum + r * x[i], 0), residual.reduce((sum, r) => sum + r, 0)];
        items(this.parameters).forEach((parameter, i) => {
            const gradient = parameter.get_gradient();
            gradient.copy_from(vector([gradient.get_value(0) + factor * sums[i]]));
        });
        return true;
    }

    vfunc_zero_gradients() {
        items(this.parameters).forEach(parameter => parameter.get_gradient().copy_from(vector([0])));
        return true;
    }

    vfunc_register_state(registry) {
        return registry.add('batches', this.batches);
    }

    vfunc_import_weights(tensors) {
        const state = new Sng.StateDict();
        for (const name of tensors.dup_names())
            state.set_tensor(name.replace('linear.', ''), tensors.lookup_tensor(name));
        return state;
    }

    // From a file in which another library might have left them.
    loadFirstWeights() {
        const directory = GLib.Dir.make_tmp('sng-test-XXXXXX');
        const path = GLib.build_filenamev([directory, 'first.safetensors']);
        const tensors = new Sng.StateDict();
        tensors.set_tensor('linear.weight', vector([0.1]));
        tensors.set_tensor('linear.bias', vector([0]));
        try {
            Sng.safetensors_save(path, tensors, null);
            this.load_weights(path);
        } finally {
            GLib.unlink(path);
            GLib.rmdir(directory);
        }
    }
});

// Gradient descent with momentum, which is the state that a resume must not forget.
export const Momentum = register({Implements: [Sng.Stateful]}, class Momentum extends Sng.Optimizer {
    _init(parameters) {
        super._init({parameters, learning_rate: 0.1});
        this.velocity = items(parameters).map(() => 0);
    }

    vfunc_step() {
        items(this.get_parameters()).forEach((parameter, i) => {
            const value = parameter.get_value();
            this.velocity[i] = 0.9 * this.velocity[i] + parameter.get_gradient().get_value(0);
            value.copy_from(vector([value.get_value(0) - this.get_learning_rate() * this.velocity[i]]));
        });
        return true;
    }

    vfunc_get_state() {
        const state = new Sng.StateDict();
        state.set_tensor('velocity', vector(this.velocity));
        return state;
    }

    vfunc_check_state(state) {
        return state.check_layout(this.vfunc_get_state());
    }

    vfunc_set_state(state) {
        this.velocity = state.get_tensor('velocity').dup_values();
        return true;
    }
});

export const HalvingLr = register({}, class HalvingLr extends Sng.LrScheduler {
    vfunc_compute(step) {
        return [true, 0.2 * 0.5 ** (step / 4)];
    }

    vfunc_is_constant() {
        return false;
    }
});

// Points near a line; noise from the stream, so that its position matters.
export const LineData = register({}, class LineData extends Sng.DataModule {
    vfunc_setup() {
        this.x = Array.from({length: 20}, (_, i) => i * 7 % 11 / 11 - 0.5);
        return true;
    }

    vfunc_get_n_samples(stage) {
        return stage === Sng.Stage.TRAIN ? 14 : 6;
    }

    vfunc_load_batch(stage, sampleIds, rng) {
        const n = sampleIds.get_n_elements();
        const offset = stage === Sng.Stage.TRAIN ? 0 : 14;
        const x = Array.from({length: n}, (_, i) => this.x[sampleIds.get_value_int64(i) + offset]);
        const noise = x.map((_, i) => rng.uniform(rng.get_position() + i, 0, 0));
        const batch = new Sng.StateDict();
        batch.set_tensor('x', vector(x));
        batch.set_tensor('y', vector(x.map((value, i) => 2 * value + 0.25 + 0.01 * noise[i])));
        batch.set_tensor('sample_ids', sampleIds);
        batch.set_int64('n_targets', n);
        return batch;
    }
});

// Overrides both functions, and leaves the work to the parent.
export const PlainTrainer = register({}, class PlainTrainer extends Sng.Trainer {
    vfunc_fit() {
        return super.vfunc_fit();
    }

    vfunc_restore(checkpoint) {
        return super.vfunc_restore(checkpoint);
    }
});

// Records the weight, in training and in validation.
export const WeightCallback = register({}, class WeightCallback extends Sng.Callback {
    _init() {
        super._init({metric: 'Weight'});
    }

    _record(trainer, stage) {
        const weight = trainer.get_model().get_parameters().get_item(0).get_value().get_value(0);
        return this.record_value(stage, trainer.get_global_step(), -1, '', new GLib.Variant('d', weight));
    }

    vfunc_get_flags(trainer) {
        return Sng.MetricFlags.EXPECT_CHANGE;
    }

    vfunc_fit_start(trainer) {
        return true;
    }

    vfunc_step_start(trainer) {
        return true;
    }

    vfunc_micro_batch_end(trainer, stage, microBatch, batch, outputs) {
        return batch.contains('x') && outputs.contains('loss');
    }

    vfunc_step_end(trainer) {
        return this._record(trainer, Sng.Stage.TRAIN);
    }

    vfunc_validation_end(trainer) {
        return this._record(trainer, Sng.Stage.VALIDATE);
    }

    vfunc_step_finished(trainer) {
        return true;
    }
});

// Records the state that the model registers.
export const BatchCountCallback = register({}, class BatchCountCallback extends Sng.StateCallback {
    _init() {
        super._init({metric: 'BatchCount'});
    }

    vfunc_record(trainer, step) {
        const state = trainer.get_state_registry().lookup('batches').get_state();
        return this.record_state(Sng.Stage.TRAIN, step, -1, '', state);
    }
});

// forget names a stateful that is left as it was built when the rest is restored.
export const LinearHarness = register({}, class LinearHarness extends Sng.Harness {
    _init({forget = null, ...properties} = {}) {
        super._init({num_steps: 8, stop_step: 5, val_check_interval: 2, limit_val_batches: 2, ...properties});
        this.forget = forget;
    }

    vfunc_setup() {
        return super.vfunc_setup();
    }

    vfunc_teardown() {
        return super.vfunc_teardown();
    }

    vfunc_setup_model(mode) {
        const model = new LinearModel();
        model.loadFirstWeights();
        return Sng.Setup.new(model, new LineData(), new Momentum(model.get_parameters()), new HalvingLr());
    }

    vfunc_setup_trainer(mode) {
        const original = super.vfunc_setup_trainer(mode);
        const writable = original.constructor.list_properties().filter(p => p.flags & GObject.ParamFlags.WRITABLE);
        return new PlainTrainer(Object.fromEntries(writable.map(p => [p.name, original[p.name.replaceAll('-', '_')]])));
    }

    vfunc_get_default_callbacks() {
        const callbacks = super.vfunc_get_default_callbacks();
        for (const callback of [new WeightCallback(), new BatchCountCallback()])
            callbacks.append(callback);
        return callbacks;
    }

    vfunc_restore(trainer, checkpoint) {
        if (this.forget)
            checkpoint.set_state(this.forget, trainer.get_state_registry().lookup(this.forget).get_state());
        return trainer.restore(checkpoint);
    }
});
