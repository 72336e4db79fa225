#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.torch: PyTorch's objects trained, saved, restored and recorded."""

import os
import random
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy
import sng
import tap
from sng.recorder import to_state

try:
    import torch
except ImportError:
    torch = None
else:
    import torch_training
    from sng._frameworks import rng_state

needs_torch = unittest.skipUnless(torch, tap.NEEDS_TORCH)


def fingerprint(stateful):
    return stateful.get_state().compute_fingerprint().to_string()


def new_training(dtype=None):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)).to(dtype)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, amsgrad=True)
    return model, optimizer


def train(model, optimizer, n_steps=3):
    for i in range(n_steps):
        x = torch.full((2, 3), float(i + 1), dtype=next(model.parameters()).dtype)
        x[0] *= -1
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()


@needs_torch
class StatefulTest(unittest.TestCase):
    """Each goes through a checkpoint on disk into an object of another life, bit for bit."""

    def save_and_restore(self, source, target):
        self.assertNotEqual(fingerprint(source), fingerprint(target), "nothing to restore")
        with tempfile.TemporaryDirectory() as directory:
            store = sng.CheckpointStore.new(directory)
            checkpoint = sng.Checkpoint.new(3)
            checkpoint.set_state("part", source.get_state())
            store.save(checkpoint)
            loaded, _ = store.load_latest()
            target.check_state(loaded.lookup_state("part"))
            target.set_state(loaded.lookup_state("part"))
        self.assertEqual(fingerprint(source), fingerprint(target))

    def test_module_and_optimizer(self):
        for dtype in (torch.float32, torch.bfloat16):
            with self.subTest(dtype):
                trained, fresh = new_training(dtype), new_training(dtype)
                train(*trained)
                if dtype == torch.bfloat16:  # moments in more bits than the parameters, which PyTorch's own load would cut
                    for state in trained[1].state.values():
                        state["exp_avg_sq"] = state["exp_avg_sq"].float() + 1e-6
                self.save_and_restore(sng.torch.ModuleState(trained[0]), sng.torch.ModuleState(fresh[0]))
                self.save_and_restore(sng.torch.OptimizerState(trained[1], trained[0]), sng.torch.OptimizerState(fresh[1], fresh[0]))

    def test_the_rest_of_the_training_is_the_same(self):
        trained, resumed = new_training(), new_training()
        train(*trained)
        for kind, i in ((sng.torch.ModuleState, 0), (sng.torch.OptimizerState, 1)):
            kind(resumed[i]).set_state(kind(trained[i]).get_state())
        train(*trained)
        train(*resumed)
        self.assertEqual(fingerprint(sng.torch.ModuleState(trained[0])), fingerprint(sng.torch.ModuleState(resumed[0])))

    def test_several_groups_and_lazy_state(self):
        def new():
            model, _ = new_training()
            groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": [*model[1].parameters(), *model[2].parameters()]}]
            return model, torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        trained, fresh = new(), new()
        train(*trained)
        self.save_and_restore(sng.torch.OptimizerState(trained[1], trained[0]), sng.torch.OptimizerState(fresh[1], fresh[0]))
        self.assertEqual([group["lr"] for group in fresh[1].param_groups], [0.5, 0.1])

    def test_schedulers(self):
        def new(kind, **settings):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
            if kind == "SequentialLR":
                parts = [torch.optim.lr_scheduler.LinearLR(optimizer), torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]
                return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[2])
            return getattr(torch.optim.lr_scheduler, kind)(optimizer, **settings)
        for kind, settings in (("StepLR", {"step_size": 2}), ("CosineAnnealingLR", {"T_max": 9}), ("SequentialLR", {}),
                               ("OneCycleLR", {"max_lr": 1, "total_steps": 9}), ("LambdaLR", {"lr_lambda": lambda i: 1 / (i + 1)}),
                               ("MultiStepLR", {"milestones": [2, 3]})):
            with self.subTest(kind):
                stepped, fresh = new(kind, **settings), new(kind, **settings)
                for _ in range(3):
                    stepped.optimizer.step()
                    stepped.step()
                self.save_and_restore(sng.torch.ObjectState(stepped), sng.torch.ObjectState(fresh))
                for scheduler in (stepped, fresh):
                    scheduler.optimizer.param_groups[0]["lr"] = 0.05
                    scheduler.optimizer.step()
                    scheduler.step()
                self.assertEqual(stepped.get_last_lr(), fresh.get_last_lr())

    def test_scaler(self):
        scaler, fresh = (torch.amp.GradScaler("cpu", init_scale=2.**8) for _ in range(2))
        scaler.scale(torch.ones(1))
        scaler.update(2.**9)
        self.save_and_restore(sng.torch.ObjectState(scaler), sng.torch.ObjectState(fresh))
        self.assertEqual(fresh.get_scale(), 2.**9)

    def test_average(self):
        model, optimizer = new_training()
        averaged, fresh = (torch.optim.swa_utils.AveragedModel(model, use_buffers=True) for _ in range(2))
        train(model, optimizer)
        averaged.update_parameters(model)
        self.save_and_restore(sng.torch.to_stateful(averaged), sng.torch.to_stateful(fresh))

    def test_random_streams(self):
        draw = {"python": random.random, "numpy": numpy.random.random, "torch": lambda: torch.rand(1).item()}
        for name, function in draw.items():
            with self.subTest(name):
                numpy.random.standard_normal()  # leaves a second number for the next call
                stream = sng.torch.RngState(name)
                state = stream.get_state()
                expected = [function() for _ in range(3)]
                self.assertNotEqual([function() for _ in range(3)], expected)
                stream.set_state(state)
                self.assertEqual([function() for _ in range(3)], expected)
        with self.assertRaisesRegex(ValueError, "'dice' is none of: python, numpy, torch, cuda"):
            sng.torch.RngState("dice")

    def test_generator(self):
        generator, fresh = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
        self.save_and_restore(sng.torch.to_stateful(generator), sng.torch.to_stateful(fresh))
        self.assertEqual(torch.rand(1, generator=generator), torch.rand(1, generator=fresh))

    def test_refuses(self):
        model, optimizer = new_training()
        with self.assertRaisesRegex(TypeError, r"torch\.device has no state_dict\(\)"):
            sng.torch.to_stateful(torch.device("cpu"))
        with self.assertRaisesRegex(TypeError, "LoaderState"):
            sng.torch.to_stateful(torch.utils.data.DataLoader([1]))
        state = sng.torch.ModuleState(model).get_state()
        with self.assertRaisesRegex(sng._gi.GLib.Error, "missing: .*weight"):
            sng.torch.ModuleState(torch.nn.Embedding(2, 3)).check_state(state)
        with self.assertRaisesRegex(sng._gi.GLib.Error, r"'0.weight' is torch.float32 \[5, 3\] here"):
            other = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
            sng.torch.ModuleState(other).check_state(state)
        with self.assertRaisesRegex(sng._gi.GLib.Error, "parameter groups"):
            half = torch.optim.AdamW([*model.parameters()][:2], amsgrad=True)
            sng.torch.OptimizerState(half).check_state(sng.torch.OptimizerState(optimizer).get_state())
        with self.assertRaisesRegex(sng._gi.GLib.Error, "no entry '~'"):
            sng.torch.ModuleState(model).set_state(sng.StateDict())

        class Odd:
            def state_dict(self):
                return {"hook": print}

            def load_state_dict(self, state):
                pass
        with self.assertRaisesRegex(sng._gi.GLib.Error, "Odd.*at 'hook': builtin_function_or_method"):
            sng.torch.ObjectState(Odd()).get_state()

    def test_nesting_comes_back(self):
        from sng.torch.codec import decode, encode
        value = {"a.b": 1, "a": {"b": 2, "": None}, 3: (True, [2**70, "x", b"\x00"], {}), "n": numpy.float32(1.5),
                 "v": numpy.arange(3), "e": [], 1.5: -0.0}
        back = decode(encode(value))
        self.assertEqual(repr(back), repr(value))


@needs_torch
class LoaderTest(unittest.TestCase):
    """A DataLoader that is stopped within an epoch."""

    def new(self, kind):
        generator = torch.Generator().manual_seed(7) if kind == "generator" else None
        loader = torch.utils.data.DataLoader(range(20), batch_size=3, shuffle=True, generator=generator)
        return generator, sng.torch.LoaderState(loader)

    def take(self, batches, n):
        """The next n batches, over the ends of epochs, and what a random augmentation would draw for each."""
        taken = []
        while len(taken) < n:
            for batch in batches:
                taken.append((batch.tolist(), torch.rand(1).item()))
                if len(taken) == n:
                    break
        return taken

    def test_goes_on_where_it_stopped(self):
        for kind in ("generator", "process"):
            for n in (2, 7, 9):
                with self.subTest(kind=kind, n=n):
                    torch.manual_seed(1)
                    _, batches = self.new(kind)
                    self.take(batches, n)
                    state, stream = batches.get_state(), torch.get_rng_state()
                    generator = batches.target.generator
                    saved = generator.get_state() if generator is not None else None
                    expected = self.rest(batches)

                    torch.manual_seed(5)
                    generator, resumed = self.new(kind)
                    resumed.set_state(state)
                    torch.set_rng_state(stream)
                    if generator is not None:
                        generator.set_state(saved)
                    self.assertEqual(self.rest(resumed), expected)

    def rest(self, batches):
        """What is left of the epoch and the next one. The iterator that was left is opened again, as after a restore."""
        return [(batch.tolist(), torch.rand(1).item()) for _ in range(2) for batch in batches]

    def test_a_lost_position_repeats_batches(self):
        torch.manual_seed(1)
        _, batches = self.new("process")
        first = self.take(batches, 2)
        fresh = self.new("process")[1]
        torch.manual_seed(1)
        self.assertEqual(self.take(fresh, 2), first)

    def test_stateful_data_loader(self):
        try:
            from torchdata.stateful_dataloader import StatefulDataLoader
        except ImportError:
            self.skipTest("needs torchdata")
        torch.manual_seed(1)
        loader = StatefulDataLoader(range(20), batch_size=3, shuffle=True)
        iterator = iter(loader)
        for _ in range(2):
            next(iterator)
        state = sng.torch.to_stateful(loader).get_state()
        expected = [batch.tolist() for batch in iterator]
        fresh = StatefulDataLoader(range(20), batch_size=3, shuffle=True)
        sng.torch.to_stateful(fresh).set_state(state)
        self.assertEqual([batch.tolist() for batch in fresh], expected)


@needs_torch
class TrainerTest(unittest.TestCase):
    """A plain PyTorch model under Sng.Trainer."""

    def test_faithful_resume_passes(self):
        for precision in ("32", "bf16-mixed", "16-mixed"):
            with self.subTest(precision):
                report = torch_training.TorchHarness(precision=precision).run_stop_and_go()
                self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())
                self.assertGreater(report.lookup_metric("ModelWeights").get_compared(), 40)

    def test_forgotten_state_diverges(self):
        for forget, metric, step in (("model", "ModelWeights", 4), ("optimizer", "OptimizerState", 4), ("scheduler", "SchedulerState", 4),
                                     ("rng/torch", "RngState", 4), ("sampler", "SampleIds", 5)):
            with self.subTest(forget):
                report = torch_training.TorchHarness(forget).run_stop_and_go()
                first = report.get_first_divergence()
                self.assertEqual(report.get_verdict(), sng.Verdict.DIVERGED, report.to_text())
                self.assertEqual((first.get_metric(), first.get_step()), (metric, step))

    def test_forgotten_buffer_diverges(self):
        class Bufferless(torch_training.TorchHarness):
            def restore(self, trainer, checkpoint):
                state = checkpoint.lookup_state("model")
                fresh = trainer.get_model().get_state()
                state.set_tensor("layers.1.running_var", fresh.lookup_tensor("layers.1.running_var"))
                trainer.restore(checkpoint)
        first = Bufferless().run_stop_and_go().get_first_divergence()
        self.assertEqual((first.get_metric(), first.get_path(), first.get_step()), ("ModelWeights", "layers.1.running_var", 4))

    def test_parameters_are_shared(self):
        net = torch_training.Net()
        model = sng.torch.Model(net)
        for parameter, (name, value) in zip(model.get_parameters(), net.named_parameters(), strict=True):
            self.assertEqual((parameter.get_name(), parameter.get_value().get_data(), parameter.get_gradient().get_data()),
                             (name, value.data_ptr(), value.grad.data_ptr()))
        batch = sng.torch.DataModule(torch_training.new_dataset(0, 4)).load_batch(
            sng.Stage.TRAIN, sng.Tensor.from_numpy(numpy.arange(4)), sng.RngStream.new(0, "masking", 0))
        model.forward(batch, sng.Stage.TRAIN)
        model.backward(0.5)
        self.assertTrue(all(value.grad.abs().sum() > 0 for name, value in net.named_parameters() if name.startswith("layers.3")))
        for parameter, (_, value) in zip(model.get_parameters(), net.named_parameters(), strict=True):
            self.assertEqual(parameter.get_gradient().get_data(), value.grad.data_ptr())

    def test_it_is_the_training_that_pytorch_makes(self):
        """The losses of five steps with a loop of one's own."""
        harness = torch_training.TorchHarness(num_steps=5, stop_step=2)
        harness.run_stop_and_go()
        losses = [entry.get_value().unpack() for entry in harness.get_metadata(sng.Mode.CONTINUOUS, "TrainLoss")]
        ids = [entry for entry in harness.get_metadata(sng.Mode.CONTINUOUS, "SampleIds")]

        torch.manual_seed(0)
        random.seed(0)
        net = torch_training.Net()
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        data = torch_training.new_dataset(0, 30)
        own = []
        for entry in ids:
            epoch, numbers = entry.get_value().unpack()
            batch = torch.utils.data.default_collate([data[i] for i in numbers])
            optimizer.zero_grad()
            loss = net(**batch)["loss"]
            loss.backward()
            optimizer.step()
            scheduler.step()
            own.append(loss.item())
        self.assertEqual(losses, own)

    def test_schedulers_of_any_step(self):
        for new in (lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1, 20),
                    lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 7)):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
            scheduler = sng.torch.LrScheduler(new(optimizer))
            rates = [scheduler.compute(step)[1] for step in range(8)]
            self.assertGreater(len(set(rates)), 4)
            optimizer.param_groups[0]["lr"] = 123.0  # as a restore does
            self.assertEqual([scheduler.compute(step)[1] for step in (5, 3, 7, 0)], [rates[i] for i in (5, 3, 7, 0)])
        with self.assertRaisesRegex(TypeError, "ReduceLROnPlateau"):
            sng.torch.LrScheduler(torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer))

    def test_refuses(self):
        net = torch_training.Net()
        with self.assertRaisesRegex(ValueError, "none of the model's"):
            sng.torch.Optimizer(torch.optim.SGD(torch_training.Net().parameters()), sng.torch.Model(net))
        with self.assertRaisesRegex(ValueError, "nothing can be trained"):
            sng.torch.Model(torch.nn.ReLU())
        with self.assertRaisesRegex(TypeError, "no data set with a length"):
            sng.torch.DataModule(iter([1]))
        for outputs in (None, torch.ones(3), {"logits": torch.ones(1)}, (), 1.5):
            with self.subTest(outputs), self.assertRaisesRegex(TypeError, "without a loss of one element: return the loss"):
                sng.torch.training.get_loss(outputs, net)


@needs_torch
class MetricsTest(unittest.TestCase):
    def test_names(self):
        model, optimizer = new_training()
        train(model, optimizer)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        metrics = sng.torch.metrics(model=model, optimizer=optimizer, scheduler=scheduler, loss=torch.tensor(0.5), samples=4, rng=("python", "torch"),
                                    scaler=torch.amp.GradScaler("cpu"), ema=torch.optim.swa_utils.AveragedModel(model), Mine=3)
        state = to_state(metrics)
        self.assertEqual((state["TrainLoss"], state["LearningRate"], state["ConsumedSamples"], state["Mine"]), (0.5, 0.1, 4, 3))
        names = set(state)
        self.assertLessEqual({"ModelWeights/1.running_mean", "OptimizerState/state.0.weight.exp_avg", "SchedulerState/last_epoch",
                              "RngState/torch", "RngState/python.1", "OptimizerState/param_groups.0.params.1",
                              "EmaState/module.0.weight", "GradScalerState/scale"}, names)

    def test_several_rates(self):
        optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate} for rate in (1.0, 2.0)])
        state = to_state(sng.torch.metrics(optimizer=optimizer, rng=False))
        self.assertEqual((state["LearningRate/0"], state["LearningRate/1"]), (1.0, 2.0))
        self.assertNotIn("RngState/torch", state)

    def test_streams(self):
        self.assertEqual(list(sng.torch.metrics()["RngState"]), ["torch"])
        self.assertEqual(list(sng.torch.metrics(rng=("torch", "numpy", "cuda"))["RngState"])[:2], ["numpy", "torch"])
        for rng in (("dice",), "torch"):
            with self.assertRaisesRegex(ValueError, "neither True nor False, nor names of: python, numpy, torch, cuda"):
                len(sng.torch.metrics(rng=rng))

    def test_a_gpu_that_is_not_used_is_left_alone(self):
        """As is_available() and get_rng_state_all() would not: the one asks the driver, the other makes a context."""
        with unittest.mock.patch.multiple(torch.cuda, is_available=self.fail, device_count=self.fail, _lazy_init=self.fail,
                                          get_rng_state_all=self.fail):
            self.assertEqual(sng.torch.RngState("cuda").read(), {"state": []})
            self.assertTrue(sng.torch.RngState("cuda").check_state(sng.torch.RngState("cuda").get_state()))
            self.assertTrue(sng.torch.RngState("cuda").set_state(sng.torch.RngState("cuda").get_state()))
            self.assertEqual(list(sng.torch.metrics(rng=("torch", "cuda"))["RngState"]), ["torch"])
            self.assertNotIn("cuda.0", rng_state())

    def test_the_stream_of_a_gpu_that_is_used(self):
        states = [torch.arange(16, dtype=torch.uint8), torch.arange(16, 32, dtype=torch.uint8)]
        with unittest.mock.patch.multiple(torch.cuda, is_initialized=lambda: True, get_rng_state_all=lambda: states):
            saved = sng.torch.RngState("cuda").get_state()
            self.assertEqual(list(sng.torch.metrics(rng=("cuda",))["RngState"]), ["cuda"])
            self.assertTrue(torch.equal(rng_state()["cuda.1"], states[1]))

        # Here none is used yet: the state waits until one is.
        queued = []
        with unittest.mock.patch.object(torch.cuda.random, "_lazy_call", queued.append):
            self.assertTrue(sng.torch.RngState("cuda").set_state(saved))
        generators = [unittest.mock.Mock(), unittest.mock.Mock()]
        with unittest.mock.patch.object(torch.cuda, "default_generators", generators):
            for call in queued:
                call()
            for generator, state in zip(generators, states, strict=True):
                self.assertTrue(torch.equal(generator.set_state.call_args.args[0], state))

    def test_without_a_check_nothing_is_collected(self):
        script = ("import sys, torch, sng, sng.torch\n"
                  "sng.Recorder().step(1, sng.torch.metrics(model=object(), optimizer=torch.optim.SGD([torch.ones(1)])))\n"
                  "assert 'gi' not in sys.modules\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNG_")}
        process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
        self.assertEqual((process.returncode, process.stderr), (0, ""))


if __name__ == "__main__":
    tap.main("/sng/python/torch")
