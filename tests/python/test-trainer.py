# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sng.transformers against Transformers' Trainer: resumes that pass, faults that are planted, and the defects that
docs/what-we-found.md describes, each held to the version that it was seen with."""

import os
import unittest

import tap
from gi.repository import GLib

WHY_NOT = None
try:
    import accelerate
    import torch
    import transformers
    from transformers import BertConfig, BertForMaskedLM, EarlyStoppingCallback, Trainer, TrainingArguments
except ModuleNotFoundError as error:
    WHY_NOT = f"needs Transformers and Accelerate, which ./bootstrap torch installs: {error}"

SEEN_WITH = ("5.17.0", "1.15.0")

if WHY_NOT is None:
    import sng.transformers

    transformers.logging.set_verbosity_error()

    class Samples(torch.utils.data.Dataset):
        """Twelve sequences; "noise" hides some of what they are at each access, as augmentation does."""

        def __init__(self, noise=False, lengths=(8,)):
            self.noise = noise
            self.lengths = lengths

        def __len__(self):
            return 12

        def __getitem__(self, index):
            if index >= len(self):
                raise IndexError(index)
            shape = (self.lengths[index % len(self.lengths)],)
            tokens = torch.randint(5, 30, shape, generator=torch.Generator().manual_seed(index))
            hidden = torch.where(torch.rand(shape) < 0.3, 3, tokens) if self.noise else tokens
            return {"input_ids": hidden, "labels": tokens}

    class Training(sng.transformers.StopAndGoHarness):
        """An epoch has six batches."""

        num_steps = 8
        stop_step = 4
        dropout = 0.1
        options = {}
        arguments = {}
        forget = ""  # a file of the checkpoint that a resume does not find

        def setup_model(self, mode):
            config = BertConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                                max_position_embeddings=16, hidden_dropout_prob=self.dropout, attention_probs_dropout_prob=0.0)
            samples = Samples(self.options.get("noise", False))
            return (BertForMaskedLM(config), samples, Samples()) if self.options.get("evaluate") else (BertForMaskedLM(config), samples)

        def setup_trainer(self, mode, **defaults):
            if mode == "resume" and self.forget:
                for directory in os.scandir(self.checkpoint_dir):
                    os.remove(os.path.join(directory.path, self.forget))
            trainer = super().setup_trainer(mode, **{**defaults, "per_device_train_batch_size": 2, "use_cpu": True, **self.arguments})
            if self.options.get("patience"):
                trainer.add_callback(EarlyStoppingCallback(self.options["patience"], early_stopping_threshold=100.0))
            return trainer


    class NoModel(Training):
        setup_model = sng.transformers.StopAndGoHarness.setup_model

    class WrongModel(Training):
        def setup_model(self, mode):
            return super().setup_model(mode)[0]

    class NoTrainer(Training):
        def setup_trainer(self, mode, **defaults):
            super().setup_trainer(mode, **defaults)

    class NoCheckpoint(Training):
        def setup_trainer(self, mode, **defaults):
            return super().setup_trainer(mode, **{**defaults, "save_strategy": "no"})


class TrainerTest(unittest.TestCase):
    def setUp(self):
        if WHY_NOT is not None:
            self.skipTest(WHY_NOT)

    def run_training(self, **settings):
        return Training(**settings).run_stop_and_go()

    def get_diverged(self, report):
        return {result.get_name() for result in report.get_metrics() if result.get_verdict() == sng.Verdict.DIVERGED}

    def describe_first(self, report):
        first = report.get_first_divergence()
        return (first.get_metric(), first.get_step()) if first is not None else None

    def assert_pass(self, **settings):
        """All but the mean loss of the whole training, which Trainer reports at its end: test_train_loss."""
        report = self.run_training(**settings, ignore_logged=["train_loss"])
        self.assertEqual(report.get_verdict(), sng.Verdict.PASS, report.to_text())
        return report


class TestResume(TrainerTest):
    def test_clean(self):
        report = self.assert_pass()
        names = {result.get_name() for result in report.get_metrics()}
        self.assertLessEqual({"GlobalStepState", "LearningRate", "SchedulerState", "OptimizerState", "ModelWeights", "RngState", "TrainInput",
                              "TrainOutput", "TrainLoss", "GradientNorm", "TrainerState"}, names)

    def test_clean_later_epoch(self):
        self.assert_pass(num_steps=12, stop_step=8)

    def test_clean_group_by_length(self):
        """At the end of an epoch the generators are restored before the order is drawn."""
        self.assert_pass(stop_step=6, arguments={"train_sampling_strategy": "group_by_length"})

    def test_clean_accumulation(self):
        report = self.assert_pass(num_steps=5, stop_step=1, arguments={"gradient_accumulation_steps": 4})
        self.assertGreater(report.lookup_metric("TrainLoss").get_compared(), 5)

    def test_clean_evaluation_at_end_of_epoch(self):
        self.assert_pass(stop_step=6, options={"evaluate": True}, arguments={"eval_strategy": "steps", "eval_steps": 3})

    def test_fault_generators(self):
        report = self.run_training(forget="rng_state.pth")
        self.assertEqual(self.describe_first(report), ("RngState", 5))
        self.assertIn("TrainLoss", self.get_diverged(report))
        self.assertNotIn("TrainInput", self.get_diverged(report))

    def test_fault_optimizer(self):
        report = self.run_training(forget="optimizer.pt")
        self.assertEqual(self.describe_first(report), ("OptimizerState", 4))


class TestMistakes(TrainerTest):
    def assert_told(self, harness, *texts):
        with self.assertRaises(GLib.Error) as caught:
            harness.run_stop_and_go()
        for text in texts:
            self.assertIn(text, caught.exception.message)

    def test_no_model(self):
        self.assert_told(NoModel(), "NotImplementedError: [transformers] NoModel has no setup_model(). Define setup_model(self, mode)")

    def test_wrong_model(self):
        self.assert_told(WrongModel(), "TypeError: [transformers] setup_model() gave 'BertForMaskedLM'. Return a tuple (model, train_dataset)")

    def test_no_trainer(self):
        self.assert_told(NoTrainer(), "TypeError: [transformers] setup_trainer() gave 'NoneType'. Return a Trainer")

    def test_no_checkpoint(self):
        """Transformers' own words, and where they were said."""
        self.assert_told(NoCheckpoint(), "[resume]", "No valid checkpoint found in output directory")


class TestDefects(TrainerTest):
    def setUp(self):
        super().setUp()
        versions = transformers.__version__, accelerate.__version__
        if versions != SEEN_WITH:
            self.skipTest(f"seen with Transformers {SEEN_WITH[0]} and Accelerate {SEEN_WITH[1]}, and these are {versions[0]} and {versions[1]}")

    def test_train_loss(self):
        """The mean loss of the training is the sum since the resume over all steps."""
        first = self.run_training(arguments={"logging_steps": 4}).get_first_divergence()
        self.assertEqual((first.get_metric(), first.get_step(), first.get_path()), ("LoggedMetrics", 8, "train_loss"))

    def test_logged_loss(self):
        """The first loss that is logged after a resume is the mean of the steps since then, not since the last log."""
        first = self.run_training(arguments={"logging_steps": 3}).get_first_divergence()
        self.assertEqual((first.get_metric(), first.get_step(), first.get_path()), ("LoggedMetrics", 6, "loss"))

    def test_random_samples(self):
        """What draws random numbers for the first batches after a resume draws other ones."""
        report = self.run_training(options={"noise": True})
        self.assertEqual(self.describe_first(report)[1], 5)
        self.assertIn("TrainInput", self.get_diverged(report))

    def test_random_samples_of_workers(self):
        """So do the processes of a loader, which are seeded before the generator is restored."""
        report = self.run_training(options={"noise": True}, dropout=0.0, arguments={"dataloader_num_workers": 1})
        self.assertEqual(self.describe_first(report), ("TrainInput", 5))

    def test_group_by_length(self):
        """Batches by length are made with the generator as it happens to be. In the first epoch that is the seed's."""
        report = self.run_training(num_steps=12, stop_step=8, arguments={"train_sampling_strategy": "group_by_length"})
        self.assertEqual(self.describe_first(report)[1], 9)
        self.assertIn("TrainInput", self.get_diverged(report))

    def test_default_sampler(self):
        """So is the order without the seedable sampler that Trainer asks Accelerate for."""
        report = self.run_training(num_steps=12, stop_step=8, arguments={"accelerator_config": {"use_seedable_sampler": False}})
        self.assertEqual(self.describe_first(report)[1], 9)
        self.assertIn("TrainInput", self.get_diverged(report))

    def test_early_stopping(self):
        """The patience begins anew, unless Trainer is told to restore the states of callbacks."""
        arguments = {"eval_strategy": "steps", "eval_steps": 1, "metric_for_best_model": "loss"}
        report = self.run_training(options={"evaluate": True, "patience": 20}, arguments=arguments)
        self.assertEqual(self.describe_first(report), ("CallbackState", 5))
        arguments["restore_callback_states_from_checkpoint"] = True
        self.assert_pass(options={"evaluate": True, "patience": 20}, arguments=arguments)


if __name__ == "__main__":
    if WHY_NOT is None:
        import forkserver
        forkserver.start(Training)
    tap.main("/python/trainer")
