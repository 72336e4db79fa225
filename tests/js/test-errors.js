// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What comes of mistakes in what C calls: exceptions come out as themselves,
// with their trace, and wrong results with what to return instead. And what is
// not a mistake: plain objects and numbers.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';
import * as linear from './linear.js';
import {assert, assertEqual, assertThrows, run, settle, test} from './tap.js';

const SETUP = 'an object {model, data, optimizer, scheduler}, an array of these, or an Sng.Setup';

let count = 0;

// A harness of linear.js with other functions, in this process.
function harnessOf(functions, properties = {}, base = linear.LinearHarness) {
    const cls = class extends base {};
    Object.assign(cls.prototype, functions);
    const registered = GObject.registerClass({GTypeName: `JsWrong${count++}`}, cls);
    return new registered({isolation: Sng.Isolation.NONE, ...properties});
}

function messageOf(functions, base) {
    const error = assertThrows(() => harnessOf(functions, {}, base).run_stop_and_go());
    assert(/^\[harness\]\[continuous\] \[vfunc\] JsWrong\d+/.test(error.message) || !functions.vfunc_setup_model, error.message);
    return error.message;
}

test('setup-model/missing', () => {
    const message = messageOf({}, Sng.Harness);
    assert(message.includes('does not implement setup_model: it must return an SngSetup of a model, a data'), message);
});

const model = new linear.LinearModel();
const data = new linear.LineData();
const optimizer = new linear.Momentum(model.get_parameters());

for (const [title, value, expected] of [
    ['nothing', undefined, `setup_model: returned undefined: return ${SETUP}`],
    ['null', null, 'setup_model: returned null: return an object {model, data'],
    ['number', 5, 'setup_model: returned 5: return'],
    ['string', 'x', 'setup_model: returned the string "x": return'],
    ['other-class', new Gio.Cancellable(), 'setup_model: returned a Gio.Cancellable: return'],
    ['promise', Promise.resolve(null), `setup_model: returned a Promise: return ${SETUP}. C cannot wait for it, ` +
        'so the function must not be async'],
    ['no-model', {}, 'setup_model: returned a setup whose model is null: it must be an Sng.Model'],
    ['wrong-data', [model, model, optimizer], 'returned a setup whose data is a LinearModel: it must be an Sng.DataModule'],
    ['no-optimizer', {model, data}, 'returned a setup whose optimizer is null: it must be an Sng.Optimizer'],
    ['wrong-scheduler', [model, data, optimizer, 0.1], 'returned a setup whose scheduler is 0.1: it must be an Sng.LrScheduler']]) {
    test(`setup-model/${title}`, () => {
        const message = messageOf({vfunc_setup_model: () => value});
        assert(message.includes(expected), message);
    });
}

for (const [vfunc, value, expected] of [
    ['setup', undefined, 'returned undefined: return true, or throw what is wrong'],
    ['teardown', null, 'returned null: return true, or throw'],
    ['restore', undefined, 'restore: returned undefined: return true'],
    ['setup_trainer', undefined, 'returned undefined: return an Sng.Trainer'],
    ['setup_trainer', model, 'returned a LinearModel: return an Sng.Trainer'],
    ['get_default_callbacks', {}, 'returned an Object: return an array, or a Gio.ListStore'],
    ['get_default_callbacks', [data], 'returned an array whose item 0 is a LineData: it must be an Sng.Callback']]) {
    test(`wrong-result/${vfunc}/${value}`, () => {
        const message = messageOf({[`vfunc_${vfunc}`]: () => value});
        assert(message.includes(expected), message);
    });
}

test('wrong-result/state', () => {
    const Wrong = GObject.registerClass({GTypeName: 'JsWrongState', Implements: [Sng.Stateful]}, class extends GObject.Object {
        vfunc_get_state() {
            return 7;
        }
    });
    const message = assertThrows(() => new Wrong().get_state()).message;
    assertEqual(message, '[vfunc] JsWrongState.get_state: returned 7: return an object of numbers, typed arrays and tensors, ' +
        'or an Sng.StateDict');
});

test('wrong-result/entry', () => {
    const Wrong = GObject.registerClass({GTypeName: 'JsWrongEntry', Implements: [Sng.Stateful]}, class extends GObject.Object {
        vfunc_get_state() {
            return {rows: [{w: null}]};
        }
    });
    const message = assertThrows(() => new Wrong().get_state()).message;
    assert(message.startsWith('[vfunc] JsWrongEntry.get_state: rows.0.w is null, which cannot be kept: pass a number'), message);
});

function throwIt() {
    null.nothing();
}

test('exception/is-the-cause', () => {
    const error = assertThrows(() => harnessOf({vfunc_setup_model: throwIt}).run_stop_and_go());
    assert(error instanceof TypeError && error.message.endsWith('setup_model: null has no properties'), error.message);
    assert(error.cause instanceof TypeError && error.cause.message === 'null has no properties', `${error.cause}`);
    assert(error.cause.stack.startsWith('throwIt@'), error.cause.stack);
});

// From the model through the trainer's function, which is JavaScript, and the harness.
test('exception/goes-through-several', () => {
    linear.LinearModel.planted = 'vfunc_forward';
    const error = assertThrows(() => harnessOf({}).run_stop_and_go());
    linear.LinearModel.planted = null;
    assert(error.message.includes('JsLinearModel.forward: planted'), error.message);
    assertEqual([error.cause.cause.message, error.cause.cause.cause], ['planted', undefined]);
    assert(error.cause.cause.stack.includes('linear.js'), error.cause.cause.stack);
});

test('exception/no-error-object', () => {
    const error = assertThrows(() => harnessOf({vfunc_setup_model: () => {
        throw 'words';
    }}).run_stop_and_go());
    assert(error.message.includes('setup_model: ') && error.message.includes('words'), error.message);
});

test('exception/keeps-its-code', () => {
    const error = assertThrows(() => harnessOf({vfunc_setup: () => {
        throw new GLib.Error(Sng.error_quark(), Sng.Error.NOT_SUPPORTED, 'not here');
    }}).run_stop_and_go());
    assert(error.matches(Sng.Error, Sng.Error.NOT_SUPPORTED) && error.message.endsWith('setup: not here'), error.message);
    assert(error.cause.stack.includes('test-errors.js'), error.cause.stack);
});

// The exception of a run is not that of the next one.
test('exception/is-forgotten', () => {
    assertThrows(() => harnessOf({vfunc_setup_model: throwIt}).run_stop_and_go());
    const error = assertThrows(() => Sng.Checkpoint.new(1).lookup_state('x') ?? new Sng.StateDict().get_tensor('x'));
    assertEqual(error.cause, undefined);
});

test('exception/promise', () => {
    const {error} = settle(harnessOf({vfunc_setup_model: throwIt}).run_stop_and_go_async());
    assert(error.message.endsWith('setup_model: null has no properties'), error.message);
    assert(error.cause.stack.startsWith('throwIt@'), error.cause.stack);
});

test('exception/callback', () => {
    const harness = harnessOf({});
    harness.add_metric('Mine', throwIt);
    const error = assertThrows(() => harness.run_stop_and_go());
    assert(error.message.endsWith('SngFunctionCallback.Mine: null has no properties'), error.message);
});

// Of a trainer the signal is emitted in the midst of a training, which ends.
test('exception/signal-of-a-trainer', () => {
    const error = assertThrows(() => harnessOf({vfunc_setup_trainer(mode) {
        const trainer = linear.LinearHarness.prototype.vfunc_setup_trainer.call(this, mode);
        trainer.connect('step-end', throwIt);
        return trainer;
    }}).run_stop_and_go());
    assert(error.message.endsWith('[signal] the handler of step-end: TypeError: null has no properties'), error.message);
    assert(error.message.includes('[harness][continuous]'), error.message);
    let cause = error;
    while (cause.cause)
        ({cause} = cause);
    assert(cause.stack.startsWith('throwIt@'), cause.stack);
});

test('exception/signal-of-a-harness', () => {
    const harness = harnessOf({});
    const heard = [];
    harness.connect('mode-finished', throwIt);
    const id = harness.connect('mode-started', (object, mode) => heard.push([object === harness, mode]));
    const error = assertThrows(() => harness.run_stop_and_go());
    assert(error instanceof TypeError && error.stack.startsWith('throwIt@'), error.stack);
    assertEqual(heard.length, 3);
    harness.disconnect(id);
    const {error: rejected} = settle(harness.run_stop_and_go_async());
    assert(rejected instanceof TypeError && heard.length === 3, `${rejected}`);
});

// C takes no error from this one: it is 0, which is refused here.
test('exception/without-an-error', () => {
    linear.LineData.planted = 'vfunc_get_n_samples';
    const error = assertThrows(() => harnessOf({}).run_stop_and_go());
    const direct = assertThrows(() => new linear.LineData().get_n_samples(Sng.Stage.TRAIN));
    linear.LineData.planted = null;
    assert(error.message.includes('no samples to train on'), error.message);
    assertEqual(error.cause.message, 'planted');
    assertEqual(direct.message, 'planted');
});

// The trace is in what the process printed, and the parent's error has that.
test('exception/in-another-process', () => {
    const script = GLib.build_filenamev([GLib.path_get_dirname(System.programPath), 'stop-and-go.js']);
    const {STDOUT_PIPE, STDERR_PIPE} = Gio.SubprocessFlags;
    const process = Gio.Subprocess.new(['gjs', '-m', script, 'nobody'], STDOUT_PIPE | STDERR_PIPE);
    const [, , errors] = process.communicate_utf8(null, null);
    assert(!process.get_successful());
    for (const expected of ['[harness][resume]', 'JsLinearHarness.restore: ', 'TypeError: ', 'vfunc_restore@', 'linear.js'])
        assert(errors.includes(expected), `${expected} is missing: ${errors}`);
    assertEqual(errors.split('is null\n').length, 2, errors);
});

test('plain/setup', () => {
    const newParts = () => {
        const fresh = new linear.LinearModel();
        fresh.loadFirstWeights();
        return [fresh, new linear.LineData(), new linear.Momentum(fresh.get_parameters()), new linear.HalvingLr()];
    };
    for (const vfunc_setup_model of [
        newParts,
        () => {
            const [fresh, lines, momentum, scheduler] = newParts();
            return {model: fresh, data: lines, optimizer: momentum, scheduler};
        },
        () => newParts().slice(0, 3)])
        assertEqual(`${harnessOf({vfunc_setup_model}).run_stop_and_go()}`.split(':')[0], 'PASS');
});

test('plain/list', () => {
    const vfunc_get_default_callbacks = () => [new linear.WeightCallback(), new Sng.ModelWeightsCallback()];
    const report = harnessOf({vfunc_get_default_callbacks}).run_stop_and_go();
    assertEqual(['Weight', 'ModelWeights', 'TrainLoss'].map(name => report.lookup_metric(name)?.get_verdict()), [0, 0, undefined]);
    const Listing = GObject.registerClass({GTypeName: 'JsPlainListing'}, class extends Sng.Model {
        vfunc_get_parameters() {
            return [...model.get_parameters()];
        }
    });
    assertEqual([...new Listing().get_parameters()].map(parameter => parameter.name), ['weight', 'bias']);
});

test('plain/state', () => {
    const Counter = GObject.registerClass({GTypeName: 'JsPlainCounter', Implements: [Sng.Stateful]}, class extends GObject.Object {
        vfunc_get_state() {
            return {count: 3n, moments: Float32Array.of(1, 2)};
        }
    });
    const state = new Counter().get_state();
    assertEqual([state.get_int64('count'), state.lookup('moments').dup_values()], [[true, 3], [1, 2]]);
});

test('plain/number', () => {
    const Schedule = GObject.registerClass({GTypeName: 'JsPlainSchedule'}, class extends Sng.LrScheduler {
        vfunc_compute(step) {
            return 0.5 ** step;
        }
    });
    assertEqual(new Schedule().compute(2), [true, 0.25]);
});

test('plain/metric', () => {
    const harness = harnessOf({});
    const weight = trainer => trainer.get_model().get_parameters().get_item(0).get_value().get_value(0);
    harness.add_metric('Number', weight);
    harness.add_metric('Text', trainer => `${weight(trainer)}`);
    harness.add_metric('Integer', trainer => BigInt(trainer.get_global_step()));
    const report = harness.run_stop_and_go();
    assertEqual(['Number', 'Text', 'Integer'].map(name => report.lookup_metric(name).get_verdict()), Array(3).fill(Sng.Verdict.PASS));
    for (const [value, expected] of [[undefined, 'undefined'], [{}, 'an Object'], [Promise.resolve(1), 'a Promise']]) {
        const wrong = harnessOf({});
        wrong.add_metric('Wrong', () => value);
        const {message} = assertThrows(() => wrong.run_stop_and_go());
        assert(message.includes(`the function of the metric Wrong returned ${expected}: return a number, BigInt, boolean, string or ` +
            'GLib.Variant'), message);
    }
});

run('/sng/js/errors');
