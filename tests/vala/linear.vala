// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A whole training in Vala: every class that can be derived from, and every
// function of it. The tests look at calls to see that each was really called.

// The functions of the library's classes that were called, as "Class.function".
GenericSet<string> calls;

// The one of them that throws instead.
string? planted = null;

void note (string function) throws Error {
    calls.add (function);
    if (planted == function)
        throw new IOError.FAILED ("planted");
}

Sng.Tensor vector (double[] values) throws Error {
    return new Sng.Tensor.from_values (Sng.Dtype.F64, {values.length}, values);
}

Sng.Parameter parameter (ListModel parameters, uint position) {
    return (Sng.Parameter) parameters.get_item (position);
}

// State beside the parameters: how many batches the model has been trained on.
class BatchCounter : Object, Sng.Stateful {
    public int64 count;

    public Sng.StateDict get_state () throws Error {
        note ("Stateful.get_state");
        var state = new Sng.StateDict ();
        state.set_int64 ("count", count);
        return state;
    }

    public bool check_state (Sng.StateDict state) throws Error {
        int64 value;
        note ("Stateful.check_state");
        state.get_int64 ("count", out value);
        if (value < 0)
            throw new Sng.Error.INVALID_DATA ("a negative count");
        return true;
    }

    public bool set_state (Sng.StateDict state) throws Error {
        note ("Stateful.set_state");
        return state.get_int64 ("count", out count);
    }
}

// prediction = x * weight + bias, loss = mean squared error
class LinearModel : Sng.Model {
    public double[] residual = {};
    double[] x = {};
    ListStore parameters = new ListStore (typeof (Sng.Parameter));
    BatchCounter batches = new BatchCounter ();

    public LinearModel () throws Error {
        foreach (var name in new string[] { "weight", "bias" })
            parameters.append (new Sng.Parameter (name, vector ({0}), vector ({0})));
    }

    // From a file in which another library might have left them.
    public void load_first_weights () throws Error {
        var directory = DirUtils.make_tmp ("sng-test-XXXXXX");
        var path = Path.build_filename (directory, "first.safetensors");
        var tensors = new Sng.StateDict ();
        tensors.set_tensor ("linear.weight", vector ({0.1}));
        tensors.set_tensor ("linear.bias", vector ({0}));
        try {
            Sng.safetensors_save (path, tensors, null);
            load_weights (path);
        } finally {
            FileUtils.unlink (path);
            DirUtils.remove (directory);
        }
    }

    public override bool set_precision (Sng.Precision precision) throws Error {
        note ("Model.set_precision");
        if (precision != Sng.Precision.@32)
            throw new Sng.Error.NOT_SUPPORTED ("nothing but 32");
        return true;
    }

    public override string? find_non_finite () throws Error {
        note ("Model.find_non_finite");
        foreach (var value in residual) {
            if (!value.is_finite ())
                return "residual";
        }
        return null;
    }

    public override ListModel? get_parameters () throws Error {
        note ("Model.get_parameters");
        return parameters;
    }

    public override Sng.StateDict? forward (Sng.StateDict batch, Sng.Stage stage) throws Error {
        note ("Model.forward");
        var weight = parameter (parameters, 0).get_value ().get_value (0);
        var bias = parameter (parameters, 1).get_value ().get_value (0);
        var inputs = batch.get_tensor ("x").dup_values ();
        var targets = batch.get_tensor ("y").dup_values ();
        double[] errors = {};
        double sum = 0;
        for (var i = 0; i < inputs.length; i++) {
            errors += inputs[i] * weight + bias - targets[i];
            sum += errors[i] * errors[i];
        }
        var outputs = new Sng.StateDict ();
        outputs.set_double ("loss", sum / inputs.length);
        outputs.set_tensor ("residual", vector (errors));
        if (stage == Sng.Stage.TRAIN) {
            x = inputs;
            residual = errors;
            batches.count++;
        }
        return outputs;
    }

    public override bool backward (double scale) throws Error {
        note ("Model.backward");
        double[] sums = {0, 0};
        for (var i = 0; i < x.length; i++) {
            sums[0] += residual[i] * x[i];
            sums[1] += residual[i];
        }
        for (var i = 0; i < 2; i++) {
            var gradient = parameter (parameters, i).get_gradient ();
            gradient.copy_from (vector ({gradient.get_value (0) + 2 * scale / x.length * sums[i]}));
        }
        return true;
    }

    public override bool zero_gradients () throws Error {
        note ("Model.zero_gradients");
        for (var i = 0; i < 2; i++)
            parameter (parameters, i).get_gradient ().copy_from (vector ({0}));
        return true;
    }

    public override bool register_state (Sng.StateRegistry registry) throws Error {
        note ("Model.register_state");
        return registry.add ("batches", batches);
    }

    public override Sng.StateDict? import_weights (Sng.StateDict tensors) throws Error {
        note ("Model.import_weights");
        var state = new Sng.StateDict ();
        foreach (var name in tensors.dup_names ())
            state.set_tensor (name.replace ("linear.", ""), tensors.lookup_tensor (name));
        return state;
    }
}

// Gradient descent with momentum, which is the state that a resume must not forget.
class Momentum : Sng.Optimizer, Sng.Stateful {
    double[] velocity = {0, 0};

    public Momentum (ListModel parameters) {
        Object (parameters: parameters, learning_rate: 0.1);
    }

    public override bool step () throws Error {
        note ("Optimizer.step");
        for (var i = 0; i < 2; i++) {
            var value = parameter (parameters, i).get_value ();
            velocity[i] = 0.9 * velocity[i] + parameter (parameters, i).get_gradient ().get_value (0);
            value.copy_from (vector ({value.get_value (0) - learning_rate * velocity[i]}));
        }
        return true;
    }

    public Sng.StateDict get_state () throws Error {
        var state = new Sng.StateDict ();
        state.set_tensor ("velocity", vector (velocity));
        return state;
    }

    public bool check_state (Sng.StateDict state) throws Error {
        return state.check_layout (get_state ());
    }

    public bool set_state (Sng.StateDict state) throws Error {
        velocity = state.get_tensor ("velocity").dup_values ();
        return true;
    }
}

class HalvingLr : Sng.LrScheduler {
    public override bool compute (uint64 step, out double learning_rate) throws Error {
        learning_rate = 0.2 * Math.pow (0.5, (double) step / 4);
        note ("LrScheduler.compute");
        return true;
    }

    public override bool is_constant () throws Error {
        note ("LrScheduler.is_constant");
        return false;
    }
}

// Points near a line; noise from the stream, so that its position matters.
class LineData : Sng.DataModule {
    double[] inputs = {};

    public override bool setup () throws Error {
        note ("DataModule.setup");
        for (var i = 0; i < 20; i++)
            inputs += (double) (i * 7 % 11) / 11 - 0.5;
        return true;
    }

    // It takes no error.
    public override uint64 get_n_samples (Sng.Stage stage) {
        calls.add ("DataModule.get_n_samples");
        return stage == Sng.Stage.TRAIN ? 14 : 6;
    }

    public override Sng.StateDict? load_batch (Sng.Stage stage, Sng.Tensor sample_ids, Sng.RngStream rng) throws Error {
        note ("DataModule.load_batch");
        double[] x = {};
        double[] y = {};
        for (var i = 0; i < sample_ids.get_n_elements (); i++) {
            x += inputs[sample_ids.get_value_int64 (i) + (stage == Sng.Stage.TRAIN ? 0 : 14)];
            y += 2 * x[i] + 0.25 + 0.01 * rng.uniform (rng.get_position () + i, 0, 0);
        }
        var batch = new Sng.StateDict ();
        batch.set_tensor ("x", vector (x));
        batch.set_tensor ("y", vector (y));
        batch.set_tensor ("sample_ids", sample_ids);
        batch.set_int64 ("n_targets", x.length);
        return batch;
    }
}

// Overrides both functions, and leaves the work to the parent.
class PlainTrainer : Sng.Trainer {
    public override bool fit () throws Error {
        note ("Trainer.fit");
        return base.fit ();
    }

    public override bool restore (Sng.Checkpoint checkpoint) throws Error {
        note ("Trainer.restore");
        return base.restore (checkpoint);
    }
}

// Records the weight, in training and in validation.
class WeightCallback : Sng.Callback {
    public WeightCallback () {
        Object (metric: "Weight");
    }

    bool record_weight (Sng.Trainer trainer, Sng.Stage stage) throws Error {
        var weight = parameter (trainer.get_model ().get_parameters (), 0).get_value ().get_value (0);
        return record_value (stage, trainer.get_global_step (), -1, "", weight);
    }

    public override Sng.MetricFlags get_flags (Sng.Trainer trainer) throws Error {
        note ("Callback.get_flags");
        return Sng.MetricFlags.EXPECT_CHANGE;
    }

    public override bool fit_start (Sng.Trainer trainer) throws Error {
        note ("Callback.fit_start");
        return true;
    }

    public override bool step_start (Sng.Trainer trainer) throws Error {
        note ("Callback.step_start");
        return true;
    }

    public override bool micro_batch_end (Sng.Trainer trainer, Sng.Stage stage, uint micro_batch, Sng.StateDict batch,
                                          Sng.StateDict outputs) throws Error {
        note ("Callback.micro_batch_end");
        return "x" in batch && "loss" in outputs;
    }

    public override bool step_end (Sng.Trainer trainer) throws Error {
        note ("Callback.step_end");
        return record_weight (trainer, Sng.Stage.TRAIN);
    }

    public override bool validation_end (Sng.Trainer trainer) throws Error {
        note ("Callback.validation_end");
        return record_weight (trainer, Sng.Stage.VALIDATE);
    }

    public override bool step_finished (Sng.Trainer trainer) throws Error {
        note ("Callback.step_finished");
        return true;
    }
}

// Records the state that the model registers.
class BatchCountCallback : Sng.StateCallback {
    public BatchCountCallback () {
        Object (metric: "BatchCount");
    }

    public override bool record (Sng.Trainer trainer, uint64 step) throws Error {
        note ("StateCallback.record");
        return record_state (Sng.Stage.TRAIN, step, -1, "", trainer.get_state_registry ().lookup ("batches").get_state ());
    }
}

// forget names a stateful that is left as it was built when the rest is restored.
class LinearHarness : Sng.Harness {
    public string? forget { get; set; }

    public LinearHarness (string? forget = null) {
        Object (num_steps: 8, stop_step: 5, val_check_interval: 2, limit_val_batches: 2, forget: forget);
    }

    public override bool setup () throws Error {
        note ("Harness.setup");
        return base.setup ();
    }

    public override bool teardown () throws Error {
        note ("Harness.teardown");
        return base.teardown ();
    }

    public override Sng.Setup? setup_model (Sng.Mode mode) throws Error {
        note ("Harness.setup_model");
        var model = new LinearModel ();
        model.load_first_weights ();
        return new Sng.Setup (model, new LineData (), new Momentum (model.get_parameters ()), new HalvingLr ());
    }

    public override Sng.Trainer? setup_trainer (Sng.Mode mode) throws Error {
        note ("Harness.setup_trainer");
        var original = base.setup_trainer (mode);
        var trainer = new PlainTrainer ();
        foreach (var property in original.get_class ().list_properties ()) {
            var value = Value (property.value_type);
            original.get_property (property.name, ref value);
            if (ParamFlags.WRITABLE in property.flags)
                trainer.set_property (property.name, value);
        }
        return trainer;
    }

    public override ListModel? get_default_callbacks () throws Error {
        note ("Harness.get_default_callbacks");
        var callbacks = (ListStore) base.get_default_callbacks ();
        callbacks.append (new WeightCallback ());
        callbacks.append (new BatchCountCallback ());
        return callbacks;
    }

    public override bool restore (Sng.Trainer trainer, Sng.Checkpoint checkpoint) throws Error {
        note ("Harness.restore");
        if (forget != null)
            checkpoint.set_state (forget, trainer.get_state_registry ().lookup (forget).get_state ());
        return trainer.restore (checkpoint);
    }
}
