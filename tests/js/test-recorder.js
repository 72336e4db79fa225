// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The recorder: what it takes, what it refuses, and a training in another
// process that it stops. The command is the example docs/examples/js/train.js.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Sng from 'gi://Sng?version=1.0';
import System from 'system';
import {assert, assertEqual, assertThrows, run, settle, test, withDirectory} from './tap.js';

const TRAIN = GLib.build_filenamev([GLib.path_get_dirname(System.programPath), '..', '..', 'docs', 'examples', 'js', 'train.js']);

// A recorder in this process, and what it has recorded.
function testWithRecorder(title, body) {
    test(title, () => withDirectory(directory => {
        GLib.setenv('SNG_RUN_DIR', directory, true);
        GLib.setenv('SNG_MODE', 'continuous', true);
        try {
            const recorder = Sng.Recorder.new_from_environment();
            body(recorder, (...query) => recorder.get_store().query(...query).map(entry => entry.toObject()));
            recorder.get_store().close();
        } finally {
            GLib.unsetenv('SNG_RUN_DIR');
        }
    }));
}

test('inactive', () => {
    const recorder = Sng.Recorder.new_from_environment();
    assert(!recorder.is_active() && recorder.get_checkpoint_dir() === null);
    const untouched = {get TrainLoss() {
        throw new Error('was looked at');
    }};
    assertEqual([recorder.step(1, untouched), recorder.step(1), recorder.record(Sng.Stage.TRAIN, 1, -1, untouched)], [true, true, true]);
});

testWithRecorder('objects', (recorder, query) => {
    const w = Sng.Tensor.from(Float32Array.of(1, 2));
    assert(recorder.is_active());
    assert(recorder.step(1, {
        TrainLoss: 1, Flag: true, Text: 'a', Count: 3n,
        ModelWeights: {w, layers: [{b: Float64Array.of(3)}, {b: Float64Array.of(4)}]},
        'OptimizerState/adam': {beta: [0.9, 0.999]},
        RngState: new Sng.RngStream({seed: 1}),
        Map: new Map([['k', 1]]),
    }));
    assert(recorder.step(2, {TrainLoss: 0.5}) && recorder.step(3));
    assertEqual(query('TrainLoss').map(({step, path, value}) => [step, path, value]), [[1, '', 1], [2, '', 0.5]]);
    assertEqual(query('ModelWeights').map(({path, shape}) => [path, shape]), [['w', [2]], ['layers.0.b', [1]], ['layers.1.b', [1]]]);
    assertEqual(query('OptimizerState').map(({path, value}) => [path, value]), [['adam.beta.0', 0.9], ['adam.beta.1', 0.999]]);
    assertEqual(['Flag', 'Text', 'Count', 'Map'].map(metric => query(metric)[0].value), [true, 'a', 3, 1]);
    assert(query('RngState').length > 0);
    assertEqual(query('GlobalStepState').map(({value}) => value), [1, 2, 3]);
});

testWithRecorder('state-dict', (recorder, query) => {
    const state = new Sng.StateDict();
    state.set_double('ValidLoss/mean', 2);
    assert(recorder.record(Sng.Stage.VALIDATE, 4, 1, state) && recorder.step(4, new Sng.StateDict()));
    const [{step, stage, microBatch, path, value}] = query('ValidLoss');
    assertEqual([step, stage, microBatch, path, value], [4, Sng.Stage.VALIDATE, 1, 'mean', 2]);
});

testWithRecorder('wrong', recorder => {
    for (const [metrics, message] of [
        [{TrainLoss: undefined}, 'TrainLoss is undefined, which cannot be kept: pass a number'],
        [{ModelWeights: {w: {x: null}}}, 'ModelWeights.w.x is null'],
        [{'A/b': 1, A: {b: 2}}, 'A/b is there twice'],
        [7, 'the metrics are 7: pass an object {METRIC: value, …}'], [[1], 'the metrics are an Array'], [{'': 1}, 'a metric has an empty name'],
        [{'/x': 1}, 'has no metric']]) {
        const error = assertThrows(() => recorder.step(1, metrics));
        assert(error.message.includes(message), error.message);
    }
    assert(recorder.step(1, {Loss: 1, W: {t: Float32Array.of(1)}}));
    for (const [metrics, message] of [
        [{Loss: 1n}, '[record][step] Loss is an integer at step 2, and was a floating-point number before: convert it'],
        [{W: {t: Float64Array.of(1)}}, 'W/t is a tensor of F64 at step 2, and was a tensor of F32 before']]) {
        const error = assertThrows(() => recorder.step(2, metrics));
        assert(error.matches(Sng.Error, Sng.Error.MISMATCH) && error.message.includes(message), error.message);
    }
    const error = assertThrows(() => recorder.step(1));
    assert(error.message.includes('step 1 is finished after step 1'), error.message);
});

test('stop', () => withDirectory(directory => {
    const environment = {SNG_RUN_DIR: directory, SNG_MODE: 'stop', SNG_STOP_AT: '2', SNG_STOP_KIND: 'raise'};
    Object.entries(environment).forEach(([name, value]) => GLib.setenv(name, value, true));
    const recorder = Sng.Recorder.new_from_environment();
    Object.keys(environment).forEach(name => GLib.unsetenv(name));
    assertEqual([recorder.get_mode(), recorder.step(1, {TrainLoss: 1})], [Sng.Mode.STOP, true]);
    for (const step of [2, 3]) {
        const error = assertThrows(() => recorder.step(step, {TrainLoss: 1 / step}));
        assert(error.matches(Sng.Error, Sng.Error.STOP_AND_GO), `${error}`);
    }
    assertEqual(recorder.get_store().query('TrainLoss').map(entry => entry.toObject().value), [1, 0.5]);
    recorder.get_store().close();
}));

// A run of the example by the protocol of "sng check": whether it succeeded, and what it printed.
function train(directory, mode, stopAt = null) {
    const run_ = `${directory}/${mode}`;
    GLib.mkdir_with_parents(run_, 0o755);
    const launcher = Gio.SubprocessLauncher.new(Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_PIPE);
    launcher.setenv('SNG_MODE', mode, true);
    launcher.setenv('SNG_RUN_DIR', run_, true);
    launcher.setenv('SNG_CHECKPOINT_DIR', directory, true);
    // A stop is an exception that nobody takes, which gjs tells of as something critical.
    launcher.unsetenv('G_DEBUG');
    if (stopAt) {
        launcher.setenv('SNG_STOP_AT', `${stopAt}`, true);
        launcher.setenv('SNG_STOP_KIND', 'raise', true);
    }
    const process = launcher.spawnv(['gjs', '-m', TRAIN]);
    const [, output, errors] = process.communicate_utf8(null, null);
    return [process.get_successful(), output + errors];
}

const newComparison = directory => Sng.Comparison.new(Sng.RunStore.open(`${directory}/continuous/rank-00000.db`));

// Trains without a stop, then with one after step 5, and compares. forget() changes the checkpoint in between.
function check(directory, forget = () => {}) {
    const checkpoint = `${directory}/checkpoint.json`;
    const [whole, output] = train(directory, 'continuous');
    assert(whole && output.startsWith('step 12: y = '), output);
    GLib.unlink(checkpoint);

    const [stopped, reason] = train(directory, 'stop', 5);
    assert(!stopped && reason.includes('the training was stopped on purpose, after step 5'), reason);
    const state = JSON.parse(new TextDecoder().decode(GLib.file_get_contents(checkpoint)[1]));
    assertEqual(state.step, 5);
    forget(state);
    GLib.file_set_contents(checkpoint, JSON.stringify(state));
    const [resumed, rest] = train(directory, 'resume');
    assert(resumed && (forget.length > 0 || rest === output), rest);

    const comparison = newComparison(directory);
    for (const [mode, name] of [[Sng.Mode.STOP, 'stop'], [Sng.Mode.RESUME, 'resume']])
        comparison.add_segment(mode, Sng.RunStore.open(`${directory}/${name}/rank-00000.db`));
    return comparison.run();
}

test('training/passes', () => withDirectory(directory => {
    const report = check(directory);
    assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text());
    assertEqual([...report].map(result => result.get_name()).sort(),
        ['GlobalStepState', 'LearningRate', 'ModelWeights', 'OptimizerState', 'RngState', 'TrainInput', 'TrainLoss']);
}));

for (const [name, value, metric] of [['velocity', [0, 0], 'OptimizerState'], ['random', 1, 'RngState'],
    ['learningRate', 0.05, 'LearningRate'], ['weights', [0, 0], 'ModelWeights']]) {
    test(`training/forgets-${name}`, () => withDirectory(directory => {
        const report = check(directory, state => (state[name] = value));
        assertEqual(report.get_verdict(), Sng.Verdict.DIVERGED, report.to_text());
        assertEqual([report.lookup_metric(metric).get_verdict(), report.get_first_divergence().get_step()], [Sng.Verdict.DIVERGED, 6]);
    }));
}

// The same by the harness of commands. The command that resumes sees to it that the checkpoint has forgotten something.
function checkCommand(script) {
    const command = ['sh', '-c', `${script} exec gjs -m "$0" "$1"`, TRAIN, '{checkpoint-dir}'];
    const harness = Sng.CommandHarness.new(['gjs', '-m', TRAIN, '{checkpoint-dir}']);
    harness.resume_command = command;
    return settle(harness.run_stop_and_go_async());
}

test('command/passes', () => {
    const {value: report, error} = checkCommand('');
    assert(report, `${error}`);
    assertEqual(report.get_verdict(), Sng.Verdict.PASS, report.to_text());
});

test('command/forgets', () => {
    const {value: report, error} = checkCommand('sed -i "s/velocity.:[^]]*/velocity\\":[0,0/" "$1/checkpoint.json";');
    assert(report, `${error}`);
    const first = report.get_first_divergence();
    assertEqual([first.get_metric(), first.get_step(), first.get_path()], ['OptimizerState', 7, 'velocity'], report.to_text());
});

test('command/fails', () => {
    const {error} = checkCommand('echo "no checkpoint for you" >&2; exit 3;');
    assert(error.matches(Sng.Error, Sng.Error.CHILD_FAILED) && error.message.includes('no checkpoint for you'), `${error}`);
});

// Without any of that it is a training.
test('training/alone', () => withDirectory(directory => {
    const process = Gio.Subprocess.new(['gjs', '-m', TRAIN, directory], Gio.SubprocessFlags.STDOUT_PIPE);
    const [, output] = process.communicate_utf8(null, null);
    assert(process.get_successful() && output.startsWith('step 12: y = '), output);
}));

run('/sng/js/recorder');
