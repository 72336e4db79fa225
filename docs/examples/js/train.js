#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A training in plain JavaScript, with a checkpoint file of its own. All that
// libsng needs of it is the recorder, and what it is told after each step:
//
//   sng check -- gjs -m train.js {checkpoint-dir}
//
// On its own it trains, and goes on from where it was interrupted.

import GLib from 'gi://GLib';
import Sng from 'gi://Sng?version=1.0';

const N_STEPS = 12;
const N_SAMPLES = 20;
const BATCH_SIZE = 4;

const recorder = Sng.Recorder.new_from_environment();
const directory = ARGV[0] ?? recorder.get_checkpoint_dir() ?? '.';
const path = GLib.build_filenamev([directory, 'checkpoint.json']);

// A checkpoint is all that the next step depends on, the random numbers too.
function load() {
    if (!GLib.file_test(path, GLib.FileTest.EXISTS))
        return {step: 0, weights: [0, 0], velocity: [0, 0], learningRate: 0.05, random: 1};
    const [, bytes] = GLib.file_get_contents(path);
    return JSON.parse(new TextDecoder().decode(bytes));
}

// JSON keeps every bit of a number. The file appears in whole, or not at all.
function save(state) {
    GLib.file_set_contents_full(path, JSON.stringify(state), GLib.FileSetContentsFlags.CONSISTENT |
        GLib.FileSetContentsFlags.DURABLE, 0o644);
}

// A number from 0 to below 1, by a generator whose state is one integer.
function random(state) {
    state.random = (Math.imul(state.random, 1664525) + 1013904223) >>> 0;
    return state.random / 2 ** 32;
}

// Points near the line y = 2 x + 1.
function loadBatch(state) {
    return Array.from({length: BATCH_SIZE}, () => {
        const id = Math.floor(random(state) * N_SAMPLES);
        const x = id * 7 % N_SAMPLES / N_SAMPLES;
        return {id, x, y: 2 * x + 1 + 0.01 * random(state)};
    });
}

// Gradient descent with momentum, on the mean squared error.
function train(state, batch) {
    const residuals = batch.map(({x, y}) => state.weights[0] * x + state.weights[1] - y);
    const gradients = [0, 0];
    batch.forEach(({x}, i) => {
        gradients[0] += 2 * residuals[i] * x / batch.length;
        gradients[1] += 2 * residuals[i] / batch.length;
    });
    gradients.forEach((gradient, i) => {
        state.velocity[i] = 0.9 * state.velocity[i] + gradient;
        state.weights[i] -= state.learningRate * state.velocity[i];
    });
    state.learningRate *= 0.95;
    return residuals.reduce((sum, residual) => sum + residual ** 2, 0) / batch.length;
}

const state = load();
while (state.step < N_STEPS) {
    const batch = loadBatch(state);
    const loss = train(state, batch);
    state.step++;
    save(state);
    recorder.step(state.step, {
        TrainLoss: loss,
        TrainInput: batch,
        LearningRate: state.learningRate,
        OptimizerState: {velocity: Float64Array.from(state.velocity)},
        ModelWeights: Float64Array.from(state.weights),
        RngState: state.random,
    });
}
print(`step ${state.step}: y = ${state.weights[0].toFixed(3)} x + ${state.weights[1].toFixed(3)}`);
