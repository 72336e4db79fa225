# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.lightning against Lightning itself: resumes that pass, faults that are planted, and the defects that
docs/what-we-found.md describes, each held to the version that it was seen with."""

import importlib
import unittest

import tap
from gi.repository import GLib

WHY_NOT = None
try:
    import lightning
    import torch
    from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
    from torch.utils.data import DataLoader, IterableDataset, TensorDataset
    from torchdata.stateful_dataloader import StatefulDataLoader
except ModuleNotFoundError as error:
    WHY_NOT = f"needs Lightning, which ./bootstrap torch installs: {error}"

SEEN_WITH = "2.6.6"

if WHY_NOT is None:
    import sng.lightning

    class Steps:
        """A model of either package."""

        def __init__(self, harness):
            super().__init__()
            self.harness = harness.options
            self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(harness.dropout), torch.nn.Linear(8, 1))

        def training_step(self, batch, batch_idx):
            loss = self.layers(batch[0]).square().mean()
            self.log("train_loss", loss, on_step=True, on_epoch=self.harness.get("log_epoch", False))
            return loss

        def validation_step(self, batch, batch_idx):
            loss = self.layers(batch[0]).square().mean()
            self.log("val_loss", loss)
            return loss

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            if self.harness.get("estimate"):
                self.trainer.estimated_stepping_batches  # noqa: B018: asking is what does it
            if self.harness.get("plateau"):
                scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10)
                return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    class Model(Steps, lightning.LightningModule):
        pass

    class Generators(Callback):
        """Saves PyTorch's generator and restores it when the training begins, which Lightning leaves to its users."""

        def state_dict(self):
            return {"cpu": torch.get_rng_state()}

        def load_state_dict(self, state_dict):
            self.state = state_dict["cpu"]

        def on_train_start(self, trainer, pl_module):
            if hasattr(self, "state"):
                torch.set_rng_state(self.state)

    class ForgetfulScheduler(Callback):
        """Plants a fault: the schedule of a resumed training begins anew."""

        def on_load_checkpoint(self, trainer, pl_module, checkpoint):
            for state in checkpoint["lr_schedulers"]:
                state.update(last_epoch=0, _step_count=1, _last_lr=[0.01])

    class Iterable(IterableDataset):
        """Twelve samples that know where they are, and not how many they are."""

        def __init__(self):
            self.position = 0

        def __iter__(self):
            while self.position < 12:
                self.position += 1
                yield (samples().tensors[0][self.position - 1],)
            self.position = 0

        def state_dict(self):
            return {"position": self.position}

        def load_state_dict(self, state_dict):
            self.position = state_dict["position"]

    class Sized(Iterable):
        """The same, and Lightning is not ahead of it."""

        def __len__(self):
            return 12

    def samples(count=12):
        return TensorDataset(torch.randn(count, 4, generator=torch.Generator().manual_seed(0)))

    class Training(sng.lightning.StopAndGoHarness):
        """An epoch has six batches. Without "plain" the loader knows its place; with it no loader draws from PyTorch's generator."""

        num_steps = 8
        stop_step = 4
        dropout = 0.5
        callbacks = ("Generators",)
        options = {}
        arguments = {}

        def setup_model(self, mode):
            if "package" in self.options:
                package = importlib.import_module(self.options["package"])
                model = type("Model", (Steps, package.LightningModule), {})(self)
                return model, StatefulDataLoader(samples(), batch_size=2, shuffle=True)
            if self.options.get("iterable"):
                return Model(self), StatefulDataLoader(Sized() if self.options["iterable"] == "sized" else Iterable(), batch_size=2)
            if not self.options.get("plain"):
                return Model(self), StatefulDataLoader(samples(), batch_size=2, shuffle=True)
            generator = torch.Generator().manual_seed(3)
            loaders = tuple(DataLoader(samples(count), batch_size=2, generator=generator) for count in (12, 6))
            return Model(self), loaders if self.options.get("validate") else loaders[0]

        def setup_trainer(self, mode, **defaults):
            makers = {
                "Generators": Generators, "ForgetfulScheduler": ForgetfulScheduler,
                "EarlyStopping": lambda: EarlyStopping("val_loss", patience=5), "Average": lambda: EMAWeightAveraging(decay=0.9),
            }
            if self.options.get("every_epoch"):
                defaults["callbacks"] = [ModelCheckpoint(dirpath=self.checkpoint_dir, save_top_k=-1)]
            defaults["callbacks"] += [makers[name]() for name in self.callbacks]
            return super().setup_trainer(mode, **{**defaults, "accelerator": "cpu", **self.arguments})


    class NoModel(Training):
        setup_model = sng.lightning.StopAndGoHarness.setup_model

    class WrongModel(Training):
        wrong = ""

        def setup_model(self, mode):
            loader = DataLoader(samples(), batch_size=2)
            return Model(self) if self.wrong == "no data" else (torch.nn.Linear(4, 1), loader)

    class NoTrainer(Training):
        def setup_trainer(self, mode, **defaults):
            super().setup_trainer(mode, **defaults)

    class NoCheckpoint(Training):
        def setup_trainer(self, mode, **defaults):
            return super().setup_trainer(mode, **{**defaults, "callbacks": [], "enable_checkpointing": False})


def describe_first(report):
    """The metric that differs first, and where: what the page names."""
    first = report.get_first_divergence()
    return (first.get_metric(), first.get_step()) if first is not None else None


class LightningTest(unittest.TestCase):
    def setUp(self):
        if WHY_NOT is not None:
            self.skipTest(WHY_NOT)

    def run_training(self, **settings):
        return Training(**settings).run_stop_and_go()

    def assert_pass(self, report):
        self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())

    def get_diverged(self, report):
        return {result.get_name() for result in report.get_metrics() if result.get_verdict() == sng.Verdict.DIVERGED}


class TestResume(LightningTest):
    def test_clean(self):
        """In the midst of an epoch, with a loader that knows its place and a generator that is restored."""
        report = self.run_training()
        self.assert_pass(report)
        names = {result.get_name() for result in report.get_metrics()}
        self.assertLessEqual({"GlobalStepState", "LearningRate", "SchedulerState", "OptimizerState", "ModelWeights", "RngState", "TrainInput",
                              "TrainLoss", "GradientNorm", "CallbackState", "LoopProgress"}, names)

    def test_clean_accumulation_and_average(self):
        report = self.run_training(num_steps=5, stop_step=2, callbacks=["Generators", "Average"], arguments={"accumulate_grad_batches": 2})
        self.assert_pass(report)
        self.assertEqual(report.lookup_metric("TrainLoss").get_compared(), 10)
        self.assertGreater(report.lookup_metric("EmaState").get_compared(), 0)

    def test_clean_stream(self):
        self.assert_pass(self.run_training(options={"iterable": "sized"}, stop_step=2))

    def test_clean_end_of_epoch(self):
        """Loaders with a generator of their own, at the end of an epoch that is not validated."""
        self.assert_pass(self.run_training(stop_step=6, options={"plain": True}))

    def test_clean_killed(self):
        self.assert_pass(self.run_training(stop_plan="2:kill,5"))

    def test_clean_pytorch_lightning(self):
        """The package under its other name, whose Trainer takes no module of the first."""
        self.assert_pass(self.run_training(options={"package": "pytorch_lightning"}))

    def test_fault_generators(self):
        report = self.run_training(callbacks=[])
        self.assertEqual(describe_first(report), ("RngState", 5))
        self.assertIn("TrainLoss", self.get_diverged(report))

    def test_fault_scheduler(self):
        report = self.run_training(callbacks=["Generators", "ForgetfulScheduler"])
        self.assertEqual(describe_first(report)[1], 5)
        self.assertLessEqual({"SchedulerState", "LearningRate"}, self.get_diverged(report))
        self.assertNotIn("TrainInput", self.get_diverged(report))


class TestMistakes(LightningTest):
    def assert_told(self, harness, *texts):
        with self.assertRaises(GLib.Error) as caught:
            harness.run_stop_and_go()
        for text in texts:
            self.assertIn(text, caught.exception.message)

    def test_no_model(self):
        self.assert_told(NoModel(), "NotImplementedError: [lightning] NoModel has no setup_model(). Define setup_model(self, mode)")

    def test_wrong_model(self):
        self.assert_told(WrongModel(wrong="no data"), "TypeError: [lightning] setup_model() gave 'Model'. Return a tuple (model, data)")
        self.assert_told(WrongModel(), "[lightning] setup_model() gave 'Linear' as its model, which is no LightningModule")

    def test_no_trainer(self):
        self.assert_told(NoTrainer(), "TypeError: [lightning] setup_trainer() gave 'NoneType'. Return a Trainer of lightning.pytorch")

    def test_no_checkpoint(self):
        self.assert_told(NoCheckpoint(callbacks=[]), "[resume]", "FileNotFoundError: [lightning] there is no checkpoint in",
                         "Let a ModelCheckpoint write to self.checkpoint_dir before the stop")


class TestDefects(LightningTest):
    def setUp(self):
        super().setUp()
        if lightning.__version__ != SEEN_WITH:
            self.skipTest(f"seen with Lightning {SEEN_WITH}, and this is {lightning.__version__}")

    def test_loader_restarts(self):
        """A DataLoader of PyTorch's begins the epoch anew."""
        report = self.run_training(options={"plain": True}, dropout=0.0)
        self.assertEqual(describe_first(report), ("TrainInput", 5))

    def test_generators_not_saved(self):
        """No checkpoint has the state of a generator."""
        report = self.run_training(callbacks=[], stop_step=6, options={"plain": True})
        self.assertEqual(describe_first(report), ("RngState", 7))
        self.assertNotIn("TrainInput", self.get_diverged(report))

    def test_epoch_average_restarts(self):
        """An average over the epoch has only what came after the resume."""
        report = self.run_training(options={"log_epoch": True})
        self.assertEqual(describe_first(report), ("EpochMetrics", 6))
        self.assertEqual(self.get_diverged(report), {"EpochMetrics"})

    def test_empty_epoch(self):
        """A StatefulDataLoader that was saved with the last batch makes an epoch without a batch."""
        report = self.run_training(stop_step=6)
        self.assertEqual(describe_first(report), ("LoopProgress", 7))
        self.assertNotIn("ModelWeights", self.get_diverged(report))

    def test_lost_epoch(self):
        """So a training of two epochs ends after one, and says that it is complete."""
        with self.assertRaises(GLib.Error) as caught:
            self.run_training(num_steps=0, stop_step=6, arguments={"max_epochs": 2})
        self.assertTrue(caught.exception.matches(sng.error_quark(), sng.Error.OTHER_STEPS), str(caught.exception))
        self.assertIn("finished no step", caught.exception.message)

    def test_prefetched_batch_is_lost(self):
        """Of a stream of unknown length one batch is ahead, and the loader is saved behind it."""
        report = self.run_training(options={"iterable": True}, stop_step=2)
        self.assertEqual(describe_first(report), ("TrainInput", 3))

    def test_loader_state_is_dropped(self):
        """Asking for trainer.estimated_stepping_batches makes the loaders before their states are there."""
        report = self.run_training(options={"estimate": True}, num_steps=0, arguments={"max_epochs": 2})
        self.assertEqual(describe_first(report), ("TrainInput", 5))

    def test_plateau_loses_an_epoch(self):
        """A schedule that looks at a validation is advanced after the checkpoint of that validation."""
        report = self.run_training(options={"plain": True, "validate": True, "plateau": True, "every_epoch": True}, dropout=0.0,
                                   stop_step=6)
        self.assertEqual(describe_first(report)[1], 7)
        self.assertLessEqual({"SchedulerState", "LearningRate"}, self.get_diverged(report))
        self.assertNotIn("TrainInput", self.get_diverged(report))

    def test_validation_is_lost(self):
        """A checkpoint of the last batch is written before the validation, which the resume leaves out."""
        report = self.run_training(options={"plain": True, "validate": True}, callbacks=["EarlyStopping"], dropout=0.0, num_steps=0,
                                   stop_step=6, arguments={"max_epochs": 2})
        self.assertEqual(describe_first(report), ("CallbackState", 7))
        self.assertNotIn("ModelWeights", self.get_diverged(report))


if __name__ == "__main__":
    if WHY_NOT is None:
        import forkserver
        forkserver.start(Training)
    tap.main("/python/lightning")
