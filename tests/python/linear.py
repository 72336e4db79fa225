# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole training in Python: every class that can be derived from, and every
function of it. The tests look at CALLS to see that each was really called."""

import functools
import os
import tempfile

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GObject, Gio, GLib, Sng
import numpy

CALLS = set()


def counted(function):
    """Notes each call as "Class.function"."""
    @functools.wraps(function)
    def wrapper(*args):
        CALLS.add(function.__qualname__)
        return function(*args)
    return wrapper


def write(tensor, values):
    tensor.copy_from(Sng.Tensor.from_numpy(numpy.asarray(values, dtype="float64")))


class BatchCounter(GObject.Object, Sng.Stateful):
    """State beside the parameters: how many batches the model has been trained on."""

    def __init__(self):
        super().__init__()
        self.count = 0

    @counted
    def do_get_state(self):
        state = Sng.StateDict()
        state["count"] = self.count
        return state

    @counted
    def do_check_state(self, state):
        if state["count"] < 0:
            raise GLib.Error.new_literal(Sng.error_quark(), "a negative count", Sng.Error.INVALID_DATA)
        return True

    @counted
    def do_set_state(self, state):
        self.count = state["count"]
        return True


class LinearModel(Sng.Model):
    """prediction = x · weight + bias, loss = mean squared error"""

    def __init__(self):
        super().__init__()
        self.parameters = Gio.ListStore.new(Sng.Parameter)
        for name, size in (("weight", 3), ("bias", 1)):
            value, gradient = (Sng.Tensor.from_numpy(numpy.zeros(size)) for _ in range(2))
            self.parameters.append(Sng.Parameter.new(name, value, gradient))
        self.batches = BatchCounter()
        self.operand = "float64"

    @counted
    def do_set_precision(self, precision):
        """Rounds the operands of products to float16, where it is told to."""
        if precision == Sng.Precision.BF16_MIXED:
            raise GLib.Error.new_literal(Sng.error_quark(), "numpy has no bfloat16", Sng.Error.NOT_SUPPORTED)
        self.operand = "float16" if precision == Sng.Precision._16_MIXED else "float64"
        return True

    def round(self, values):
        with numpy.errstate(over="ignore"):
            return values.astype(self.operand).astype("float64")

    @counted
    def do_find_non_finite(self):
        tensors = [(p.get_name(), p.get_value().numpy()) for p in self.parameters] + [("residual", self.kept[1])]
        return next((name for name, values in tensors if not numpy.isfinite(values).all()), None)

    @counted
    def do_get_parameters(self):
        return self.parameters

    @counted
    def do_forward(self, batch, stage):
        weight, bias = (parameter.get_value().numpy() for parameter in self.parameters)
        x = self.round(batch["x"].numpy())
        residual = x @ self.round(weight) + bias - batch["y"].numpy()
        if stage == Sng.Stage.TRAIN:
            self.kept = x, residual
            self.batches.count += 1
        outputs = Sng.StateDict()
        outputs["loss"] = float((residual ** 2).mean())
        outputs["residual"] = residual
        return outputs

    @counted
    def do_backward(self, scale):
        x, residual = self.kept
        gradient = self.round(residual * (2 * scale / len(residual)))
        for parameter, sums in zip(self.parameters, (x.T @ gradient, gradient.sum(keepdims=True))):
            tensor = parameter.get_gradient()
            write(tensor, tensor.numpy() + sums)
        return True

    @counted
    def do_zero_gradients(self):
        for parameter in self.parameters:
            write(parameter.get_gradient(), numpy.zeros_like(parameter.get_gradient().numpy()))
        return True

    @counted
    def do_register_state(self, registry):
        return registry.add("batches", self.batches)

    @counted
    def do_import_weights(self, tensors):
        state = Sng.StateDict()
        for name in tensors.dup_names():
            state[name.removeprefix("linear.")] = tensors[name]
        return state

    def load_first_weights(self):
        """From a file in which another library might have left them."""
        tensors = Sng.StateDict()
        tensors["linear.weight"] = numpy.array([0.0, 0.1, 0.2])
        tensors["linear.bias"] = numpy.array([0.0])
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "first.safetensors")
            Sng.safetensors_save(path, tensors, None)
            self.load_weights(path)


class Momentum(Sng.Optimizer, Sng.Stateful):
    """Gradient descent with momentum, which is the state that a resume must not forget."""

    def __init__(self, parameters):
        super().__init__(parameters=parameters, learning_rate=0.1)
        self.velocity = {p.get_name(): p.get_value().numpy() * 0 for p in parameters}

    @counted
    def do_step(self):
        for parameter in self.get_parameters():
            velocity = self.velocity[parameter.get_name()]
            velocity *= 0.9
            velocity += parameter.get_gradient().numpy()
            write(parameter.get_value(), parameter.get_value().numpy() - self.get_learning_rate() * velocity)
        return True

    @counted
    def do_get_state(self):
        state = Sng.StateDict()
        for name, velocity in self.velocity.items():
            state[f"velocity.{name}"] = velocity
        return state

    @counted
    def do_check_state(self, state):
        return state.check_layout(self.get_state())

    @counted
    def do_set_state(self, state):
        for name in self.velocity:
            self.velocity[name] = state[f"velocity.{name}"].numpy().copy()
        return True


class HalvingLr(Sng.LrScheduler):
    @counted
    def do_compute(self, step):
        return True, 0.2 * 0.5 ** (step / 4)

    @counted
    def do_is_constant(self):
        return False


class LineData(Sng.DataModule):
    """Points near a plane; noise from the stream, so that its position matters."""

    @counted
    def do_setup(self):
        self.x = numpy.array([[(i * 7 + j * 3) % 11 / 11 - 0.5 for j in range(3)] for i in range(20)])
        self.y = self.x @ numpy.array([2.0, -1.0, 0.5]) + 0.25
        return True

    @counted
    def do_get_n_samples(self, stage):
        return 14 if stage == Sng.Stage.TRAIN else 6

    @counted
    def do_load_batch(self, stage, sample_ids, rng):
        rows = sample_ids.numpy() + (0 if stage == Sng.Stage.TRAIN else 14)
        noise = [rng.uniform(rng.get_position() + i, 0, 0) for i in range(len(rows))]
        batch = Sng.StateDict()
        batch["x"] = self.x[rows]
        batch["y"] = self.y[rows] + 0.01 * numpy.array(noise)
        batch["sample_ids"] = sample_ids
        batch["n_targets"] = len(rows)
        return batch


class PlainTrainer(Sng.Trainer):
    """Overrides both functions, and leaves the work to the parent."""

    @counted
    def do_fit(self):
        return Sng.Trainer.do_fit(self)

    @counted
    def do_restore(self, checkpoint):
        return Sng.Trainer.do_restore(self, checkpoint)


class WeightNormCallback(Sng.Callback):
    """Records the norm of the weights, in training and in validation."""

    def __init__(self):
        super().__init__(metric="WeightNorm")

    def record(self, trainer, stage):
        weight = next(iter(trainer.get_model().get_parameters())).get_value().numpy()
        norm = GLib.Variant("d", float(numpy.sqrt((weight ** 2).sum())))
        return self.record_value(stage, trainer.get_global_step(), -1, "", norm)

    @counted
    def do_get_flags(self, trainer):
        return Sng.MetricFlags.EXPECT_CHANGE

    @counted
    def do_fit_start(self, trainer):
        return True

    @counted
    def do_step_start(self, trainer):
        return True

    @counted
    def do_micro_batch_end(self, trainer, stage, micro_batch, batch, outputs):
        return "x" in batch and "loss" in outputs

    @counted
    def do_step_end(self, trainer):
        return self.record(trainer, Sng.Stage.TRAIN)

    @counted
    def do_validation_end(self, trainer):
        return self.record(trainer, Sng.Stage.VALIDATE)

    @counted
    def do_step_finished(self, trainer):
        return True


class BatchCountCallback(Sng.StateCallback):
    """Records the state that the model registers."""

    def __init__(self):
        super().__init__(metric="BatchCount")

    @counted
    def do_record(self, trainer, step):
        state = trainer.get_state_registry().lookup("batches").get_state()
        return self.record_state(Sng.Stage.TRAIN, step, -1, "", state)


class LinearHarness(Sng.Harness):
    """forget names a stateful that is left as it was built when the rest is restored."""

    def __init__(self, forget=None, **properties):
        settings = {"num_steps": 8, "stop_step": 5, "val_check_interval": 2, "limit_val_batches": 2}
        super().__init__(**{**settings, **properties})
        self.forget = forget

    @counted
    def do_setup(self):
        return Sng.Harness.do_setup(self)

    @counted
    def do_teardown(self):
        return Sng.Harness.do_teardown(self)

    @counted
    def do_setup_model(self, mode):
        model = LinearModel()
        model.load_first_weights()
        return Sng.Setup.new(model, LineData(), Momentum(model.get_parameters()), HalvingLr())

    @counted
    def do_setup_trainer(self, mode):
        default = Sng.Harness.do_setup_trainer(self, mode)
        writable = [p.name for p in default.list_properties() if p.flags & GObject.ParamFlags.WRITABLE]
        return PlainTrainer(**{name: default.get_property(name) for name in writable})

    @counted
    def do_get_default_callbacks(self):
        callbacks = Sng.Harness.do_get_default_callbacks(self)
        for callback in (WeightNormCallback(), BatchCountCallback()):
            callbacks.append(callback)
        return callbacks

    @counted
    def do_restore(self, trainer, checkpoint):
        if self.forget:
            fresh = trainer.get_state_registry().lookup(self.forget).get_state()
            checkpoint.set_state(self.forget, fresh)
        return trainer.restore(checkpoint)
