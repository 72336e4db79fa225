// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A whole training of one's own: model, data, optimizer and schedule are in
// Vala. It is a test program, with a case for each metric.

Sng.Tensor vector (double[] values) throws Error {
    return new Sng.Tensor.from_values (Sng.Dtype.F64, {values.length}, values);
}

// y = weight * x, loss = mean squared error
class LineModel : Sng.Model {
    ListStore parameters = new ListStore (typeof (Sng.Parameter));
    Sng.Parameter weight;
    double gradient;

    public LineModel () throws Error {
        weight = new Sng.Parameter ("weight", vector ({0.1}), vector ({0}));
        parameters.append (weight);
    }

    public override ListModel? get_parameters () throws Error {
        return parameters;
    }

    public override Sng.StateDict? forward (Sng.StateDict batch, Sng.Stage stage) throws Error {
        var x = batch.get_tensor ("x").dup_values ();
        var y = batch.get_tensor ("y").dup_values ();
        double[] residuals = {};
        double loss = 0;
        double sum = 0;
        for (var i = 0; i < x.length; i++) {
            residuals += x[i] * weight.value.get_value (0) - y[i];
            loss += residuals[i] * residuals[i] / x.length;
            sum += 2 * residuals[i] * x[i] / x.length;
        }
        if (stage == Sng.Stage.TRAIN)
            gradient = sum;
        var outputs = new Sng.StateDict ();
        outputs.set_double ("loss", loss);
        outputs.set_tensor ("residuals", vector (residuals));
        return outputs;
    }

    public override bool backward (double scale) throws Error {
        return weight.gradient.copy_from (vector ({weight.gradient.get_value (0) + scale * gradient}));
    }

    public override bool zero_gradients () throws Error {
        return weight.gradient.copy_from (vector ({0}));
    }
}

// Points near a line. The noise comes from the stream, whose position the checkpoint has.
class LineData : Sng.DataModule {
    public override uint64 get_n_samples (Sng.Stage stage) {
        return stage == Sng.Stage.TRAIN ? 14 : 6;
    }

    public override Sng.StateDict? load_batch (Sng.Stage stage, Sng.Tensor sample_ids, Sng.RngStream rng) throws Error {
        double[] x = {};
        double[] y = {};
        for (var i = 0; i < sample_ids.get_n_elements (); i++) {
            x += (double) (sample_ids.get_value_int64 (i) * 7 % 11) / 11 - 0.5;
            y += 2 * x[i] + 0.01 * rng.uniform (rng.get_position () + i, 0, 0);
        }
        var batch = new Sng.StateDict ();
        batch.set_tensor ("x", vector (x));
        batch.set_tensor ("y", vector (y));
        batch.set_tensor ("sample_ids", sample_ids);
        batch.set_int64 ("n_targets", x.length);
        return batch;
    }
}

// Gradient descent with momentum, which is a state: a resume without it diverges.
class Momentum : Sng.Optimizer, Sng.Stateful {
    double velocity;

    public Momentum (ListModel parameters) {
        Object (parameters: parameters, learning_rate: 0.1);
    }

    public override bool step () throws Error {
        var parameter = (Sng.Parameter) parameters.get_item (0);
        velocity = 0.9 * velocity + parameter.gradient.get_value (0);
        return parameter.value.copy_from (vector ({parameter.value.get_value (0) - learning_rate * velocity}));
    }

    public Sng.StateDict get_state () throws Error {
        var state = new Sng.StateDict ();
        state.set_double ("velocity", velocity);
        return state;
    }

    public bool check_state (Sng.StateDict state) throws Error {
        return state.check_layout (get_state ());
    }

    public bool set_state (Sng.StateDict state) throws Error {
        return state.get_double ("velocity", out velocity);
    }
}

class DecayingLr : Sng.LrScheduler {
    public override bool compute (uint64 step, out double learning_rate) throws Error {
        learning_rate = 0.2 * Math.pow (0.9, step);
        return true;
    }
}

class LineHarness : Sng.Harness {
    construct {
        num_steps = 8;
        stop_step = 5;
        val_check_interval = 2;
    }

    public override Sng.Setup? setup_model (Sng.Mode mode) throws Error {
        var model = new LineModel ();
        return new Sng.Setup (model, new LineData (), new Momentum (model.get_parameters ()), new DecayingLr ());
    }
}

int main (string[] args) {
    Test.init (ref args);
    Sng.test_add_harness ("/line", typeof (LineHarness));
    return Test.run ();
}
