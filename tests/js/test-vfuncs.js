// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every function that can be overridden, overridden in JavaScript and called
// from C; and what comes of an exception in one.

import Gio from 'gi://Gio';
import GIRepository from 'gi://GIRepository?version=2.0';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';
import * as linear from './linear.js';
import {assert, assertEqual, assertThrows, run, test, withDirectory} from './tap.js';

// All that the typelib knows: "Class.function".
function overridable() {
    const repository = GIRepository.Repository.get_default();
    const found = [];
    for (let i = 0; i < repository.get_n_infos('Sng'); i++) {
        const info = repository.get_info('Sng', i);
        const kind = {[GIRepository.InfoType.OBJECT]: 'object', [GIRepository.InfoType.INTERFACE]: 'interface'}[info.get_type()];
        const count = kind ? GIRepository[`${kind}_info_get_n_vfuncs`](info) : 0;
        for (let j = 0; j < count; j++)
            found.push(`${info.get_name()}.${GIRepository[`${kind}_info_get_vfunc`](info, j).get_name()}`);
    }
    return found;
}

// The class of linear.js that derives from a class of the library.
function implementation(base) {
    return Object.values(linear).find(cls => cls.prototype && (Object.getPrototypeOf(cls).name === `Sng_${base}` ||
        Object.getPrototypeOf(cls) === Sng[base] || base === 'Stateful' && cls === linear.BatchCounter));
}

function check(properties = {}) {
    return new linear.LinearHarness({isolation: Sng.Isolation.NONE, ...properties}).run_stop_and_go(null);
}

test('faithful-resume-passes', () => {
    linear.calls.clear();
    const report = check();
    assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text());
    assert(report.lookup_metric('Weight').get_compared() > 8);

    const expected = overridable().filter(name => name !== 'Model.find_non_finite').map(name => {
        const [base, vfunc] = name.split('.');
        return `${implementation(base)?.name ?? `?${base}`}.${vfunc}`;
    });
    assert(expected.length > 25);
    assertEqual(expected.filter(name => !linear.calls.has(name)), []);
});

for (const [forget, metric, step] of [['optimizer', 'OptimizerState', 5], ['model', 'ModelWeights', 5],
    ['batches', 'BatchCount', 5], ['scheduler', 'SchedulerState', 5], ['rng/masking', 'RngState', 5],
    ['sampler', 'SampleIds', 6]]) {
    test(`forgotten/${forget}`, () => {
        const report = check({forget});
        const first = report.get_first_divergence();
        assertEqual(report.get_verdict(), Sng.Verdict.DIVERGED, report.to_text());
        assertEqual([first.get_metric(), first.get_step(), first.get_mode()], [metric, step, Sng.Mode.RESUME]);
    });
}

// The same classes under a trainer of their own, without a harness around it: the losses and the last state, from the
// checkpoint of step 5 on where change is given.
function train(directory, maxSteps, change = null) {
    const model = new linear.LinearModel();
    model.loadFirstWeights();
    const trainer = new Sng.Trainer({max_steps: maxSteps, micro_batch_size: 2, accumulate_grad_batches: 2,
        model_checkpoint: Sng.ModelCheckpoint.new(directory, 5)});
    trainer.attach(model, new linear.LineData(), new linear.Momentum(model.get_parameters()), new linear.HalvingLr());
    if (change) {
        const checkpoint = Sng.Checkpoint.load(GLib.build_filenamev([directory, 'step-00000005']));
        change(trainer, checkpoint);
        trainer.restore(checkpoint);
    }
    const losses = [];
    trainer.connect('step-end', () => losses.push(trainer.get_loss()));
    trainer.fit();
    const registry = trainer.get_state_registry();
    const state = registry.dup_names().map(name =>
        [name, registry.lookup(name).get_state().compute_fingerprint().to_string()]);
    return [losses, state];
}

test('trainer/stops-and-resumes', () => withDirectory(directory => {
    const [losses, state] = train(directory, 12);
    assert(losses.at(-1) < losses[0] / 4, `${losses}`);
    train(directory, 5);
    assertEqual(train(directory, 12, () => {}), [losses.slice(5), state]);

    const [damaged] = train(directory, 12, (trainer, checkpoint) =>
        checkpoint.set_state('optimizer', trainer.get_optimizer().get_state()));
    assertEqual(damaged[0], losses[5]);
    assert(damaged[1] !== losses[6]);
}));

// With an average, an early stopping that step 8 ends, and a list of the best two checkpoints.
function trainWithAll(directory, maxSteps, checkpoint = null) {
    const model = new linear.LinearModel();
    model.loadFirstWeights();
    const average = new Sng.ExponentialMovingAverage({decay: 0.5, warm_up: true});
    const earlyStopping = new Sng.EarlyStopping({patience: 3, min_delta: 1e6});
    const plan = new Sng.ModelCheckpoint({directory, every_n_train_steps: 1, monitor: 'valid_loss', save_top_k: 2});
    const trainer = new Sng.Trainer({max_steps: maxSteps, val_check_interval: 2, model_checkpoint: plan,
        exponential_moving_average: average, early_stopping: earlyStopping});
    trainer.attach(model, new linear.LineData(), new linear.Momentum(model.get_parameters()), new linear.HalvingLr());
    if (checkpoint)
        trainer.restore(checkpoint);
    trainer.fit();
    return [trainer, [average, earlyStopping, plan].map(part => part.get_state().compute_fingerprint().to_string())];
}

test('trainer/state-that-outlives-a-step', () => withDirectory(directory => {
    const [whole, states] = trainWithAll(`${directory}/whole`, 20);
    assertEqual([whole.get_global_step(), whole.get_early_stopping().get_stopped_step(),
        whole.get_exponential_moving_average().get_n_updates()], [8, 8, 8]);
    assertEqual(whole.get_monitored('valid_loss'), [true, whole.get_valid_loss()]);
    const [stopped] = trainWithAll(`${directory}/stopped`, 5);
    const [checkpoint] = stopped.get_checkpoint_store().load_latest();
    assertEqual(trainWithAll(`${directory}/resumed`, 20, checkpoint)[1], states);
}));

test('trainer/refuses-a-checkpoint-without-a-state', () => withDirectory(directory => {
    train(directory, 5);
    const error = assertThrows(() => train(directory, 12, (_, checkpoint) => checkpoint.remove_state('batches')));
    assert(error.message.includes("missing: 'batches'"), error.message);
}));

// The same, each mode in a process of its own: the interpreter runs the script again.
for (const [forget, verdict] of [['', 'PASS'], ['optimizer', 'DIVERGED']]) {
    test(`processes/${verdict}`, () => {
        const script = GLib.build_filenamev([GLib.path_get_dirname(System.programPath), 'stop-and-go.js']);
        const argv = ['gjs', '-m', script, ...forget ? [forget] : []];
        const process = Gio.Subprocess.new(argv, Gio.SubprocessFlags.STDOUT_PIPE);
        const [, output] = process.communicate_utf8(null, null);
        assertEqual([process.get_exit_status(), JSON.parse(output).verdict], [forget ? 1 : 0, verdict]);
    });
}

test('async', () => {
    const loop = new GLib.MainLoop(null, false);
    let report = null;
    new linear.LinearHarness({isolation: Sng.Isolation.NONE}).run_stop_and_go_async(null, (harness, result) => {
        report = harness.run_stop_and_go_finish(result);
        loop.quit();
    });
    loop.run();
    assertEqual(report.get_verdict(), Sng.Verdict.PASS);
});

test('signals', () => {
    const harness = new linear.LinearHarness({isolation: Sng.Isolation.NONE});
    const heard = [];
    for (const signal of ['mode-started', 'mode-finished'])
        harness.connect(signal, (_, mode) => heard.push([signal, mode]));
    harness.run_stop_and_go(null);
    assertEqual(heard, [Sng.Mode.CONTINUOUS, Sng.Mode.STOP, Sng.Mode.RESUME].flatMap(mode =>
        [['mode-started', mode], ['mode-finished', mode]]));
});

test('extra-metric', () => {
    const harness = new linear.LinearHarness({isolation: Sng.Isolation.NONE});
    harness.add_metric('Bias', trainer => new GLib.Variant('d',
        trainer.get_model().get_parameters().get_item(1).get_value().get_value(0)));
    const result = harness.run_stop_and_go(null).lookup_metric('Bias');
    assertEqual([result.get_verdict(), result.get_compared()], [Sng.Verdict.PASS, 8]);
});

test('error-keeps-its-code', () => {
    const state = new Sng.StateDict();
    state.set_int64('count', -1);
    const error = assertThrows(() => new linear.BatchCounter().check_state(state));
    assert(error.matches(Sng.error_quark(), Sng.Error.INVALID_DATA), `${error}`);
});

// Is asked only where something is wrong.
test('find-non-finite', () => {
    const model = new linear.LinearModel();
    assertEqual(model.find_non_finite(), null);
    model.kept.residual = [1, Infinity];
    assertEqual(model.find_non_finite(), 'residual');
    model.parameters.get_item(1).get_value().copy_from(linear.vector([NaN]));
    assertEqual(model.find_non_finite(), 'bias');
    model.kept = null;
    const error = assertThrows(() => model.find_non_finite());
    assert(error.message.includes('JsLinearModel.find_non_finite'), error.message);
});

test('unknown-precision', () => {
    const error = assertThrows(() => check({precision: 'bf16-mixed'}));
    assert(error.matches(Sng.error_quark(), Sng.Error.NOT_SUPPORTED), `${error}`);
    assert(error.message.includes('nothing but 32'), error.message);
});

// An exception in any function ends the run with an error that names class and function.
for (const [name, cls] of Object.entries(linear).filter(([, value]) => value.prototype instanceof GObject.Object)) {
    const vfuncs = Object.getOwnPropertyNames(cls.prototype).filter(key => key.startsWith('vfunc_') &&
        !['vfunc_get_n_samples', 'vfunc_find_non_finite'].includes(key));
    for (const vfunc of vfuncs) {
        test(`exception/${name}.${vfunc.slice(6)}`, () => {
            cls.planted = vfunc;
            const error = assertThrows(() => check());
            cls.planted = null;
            assert(error.message.includes(`Js${name}.${vfunc.slice(6)}`), error.message);
        });
    }
}

run('/sng/js/vfuncs');
