// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A training in plain Vala, with a checkpoint file of its own. All that libsng
// needs of it is the recorder, and what it is told after each step:
//
//   sng check -- ./train {checkpoint-dir}
//
// On its own it trains, and goes on from where it was interrupted.

const int N_STEPS = 12;
const int BATCH_SIZE = 4;

// All that the next step depends on, the random numbers too.
class State {
    public int step;
    public double weight;
    public double velocity;
    public double learning_rate = 0.05;
    public uint64 random = 1;

    public State.load (string path) throws Error {
        if (!FileUtils.test (path, FileTest.EXISTS))
            return;
        var file = new KeyFile ();
        file.load_from_file (path, KeyFileFlags.NONE);
        step = file.get_integer ("state", "step");
        weight = file.get_double ("state", "weight");
        velocity = file.get_double ("state", "velocity");
        learning_rate = file.get_double ("state", "learning-rate");
        random = file.get_uint64 ("state", "random");
    }

    // The file has every bit of a number, and appears in whole or not at all.
    public void save (string path) throws Error {
        var file = new KeyFile ();
        file.set_integer ("state", "step", step);
        file.set_double ("state", "weight", weight);
        file.set_double ("state", "velocity", velocity);
        file.set_double ("state", "learning-rate", learning_rate);
        file.set_uint64 ("state", "random", random);
        FileUtils.set_contents_full (path, file.to_data (), -1, FileSetContentsFlags.CONSISTENT | FileSetContentsFlags.DURABLE);
    }

    // A number from 0 to below 1, by a generator whose state is one integer.
    double next_random () {
        random = (random * 1664525 + 1013904223) % 4294967296;
        return random / 4294967296.0;
    }

    // Points near the line y = 2 x, and gradient descent with momentum on the mean squared error.
    public double train () {
        double loss = 0;
        double gradient = 0;
        for (var i = 0; i < BATCH_SIZE; i++) {
            var x = next_random ();
            var residual = weight * x - (2 * x + 0.01 * next_random ());
            loss += residual * residual / BATCH_SIZE;
            gradient += 2 * residual * x / BATCH_SIZE;
        }
        velocity = 0.9 * velocity + gradient;
        weight -= learning_rate * velocity;
        learning_rate *= 0.95;
        step++;
        return loss;
    }
}

int main (string[] args) {
    try {
        var recorder = new Sng.Recorder.from_environment ();
        var directory = args.length > 1 ? args[1] : recorder.get_checkpoint_dir () ?? ".";
        var path = Path.build_filename (directory, "checkpoint.ini");
        var state = new State.load (path);
        while (state.step < N_STEPS) {
            var loss = state.train ();
            state.save (path);
            var metrics = new Sng.StateDict ();
            metrics.set_double ("TrainLoss", loss);
            metrics.set_double ("LearningRate", state.learning_rate);
            metrics.set_double ("OptimizerState/velocity", state.velocity);
            metrics.set_double ("ModelWeights/weight", state.weight);
            metrics.set_value ("RngState", state.random);
            recorder.step (state.step, metrics);
        }
        print ("step %d: y = %.3f x\n", state.step, state.weight);
    } catch (Error error) {
        printerr ("%s\n", error.message);
        return 1;
    }
    return 0;
}
