# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A loop with Accelerate's save_state() and load_state() in a sng.LoopHarness: resumes that pass, and the defects that
docs/what-we-found.md describes, each held to the version that it was seen with."""

import os
import unittest

import tap

WHY_NOT = None
try:
    import accelerate
    import torch
    from accelerate import Accelerator, DataLoaderConfiguration, skip_first_batches
    from accelerate.utils import set_seed
    from torch.utils.data import DataLoader, Dataset
except ModuleNotFoundError as error:
    WHY_NOT = f"needs Accelerate, which ./bootstrap torch installs: {error}"

import sng

SEEN_WITH = "1.15.0"

if WHY_NOT is None:

    class Samples(Dataset):
        def __init__(self, noise):
            self.samples = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
            self.noise = noise

        def __len__(self):
            return 12

        def __getitem__(self, index):
            return self.samples[index] + (torch.randn(4) if self.noise else 0.0)

    class Training(sng.LoopHarness):
        """A loop as Accelerate's documentation shows it. An epoch has six batches."""

        num_steps = 12
        stop_step = 4
        shuffle = True
        noise = False
        accumulate = 1
        save_every = 1  # in batches
        tell_epoch = False
        data_loaders = {}

        def train(self, mode, recorder):
            accelerator = Accelerator(cpu=True, gradient_accumulation_steps=self.accumulate,
                                      dataloader_config=DataLoaderConfiguration(**self.data_loaders))
            set_seed(1)
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
            loader = DataLoader(Samples(self.noise), batch_size=2, shuffle=self.shuffle)
            model, optimizer, scheduler, loader = accelerator.prepare(model, optimizer, scheduler, loader)
            done = 0
            if mode == "resume":
                done = max(int(name) for name in os.listdir(recorder.checkpoint_dir))
                accelerator.load_state(os.path.join(recorder.checkpoint_dir, str(done)))
            step = done // self.accumulate
            for epoch in range(done // 6, self.num_steps * self.accumulate // 6):
                if self.tell_epoch:
                    loader.set_epoch(epoch)
                skip = 0 if self.data_loaders.get("use_stateful_dataloader") else done % 6
                for batch in skip_first_batches(loader, skip) if skip else loader:
                    recorder.record(step + 1, {"TrainInput": batch}, micro_batch=done % self.accumulate)
                    with accelerator.accumulate(model):
                        loss = model(batch).square().mean()
                        accelerator.backward(loss)
                        optimizer.step()
                        scheduler.step()
                        optimizer.zero_grad()
                    done += 1
                    if done % self.save_every == 0:
                        accelerator.save_state(os.path.join(recorder.checkpoint_dir, str(done)))
                    if accelerator.sync_gradients:
                        step += 1
                        recorder.step(step, {"TrainLoss": loss, "ModelWeights": model, "OptimizerState": optimizer.state_dict(),
                                             "SchedulerState": scheduler.state_dict()})


class AccelerateTest(unittest.TestCase):
    def setUp(self):
        if WHY_NOT is not None:
            self.skipTest(WHY_NOT)

    def get_first(self, **settings):
        report = Training(**settings).run_stop_and_go()
        self.assertIn(report.get_verdict(), (sng.Verdict.PASS, sng.Verdict.DIVERGED), report.to_text())
        first = report.get_first_divergence()
        return (first.get_metric(), first.get_step()) if first is not None else None


class TestResume(AccelerateTest):
    def test_clean(self):
        """Without a shuffle, or with a sampler that is seeded by the epoch that it is told."""
        self.assertIsNone(self.get_first(shuffle=False))
        self.assertIsNone(self.get_first(tell_epoch=True, data_loaders={"use_seedable_sampler": True}, stop_step=8))

    def test_clean_accumulation(self):
        self.assertIsNone(self.get_first(shuffle=False, accumulate=2, save_every=2, num_steps=6, stop_step=2))


class TestDefects(AccelerateTest):
    def setUp(self):
        super().setUp()
        if accelerate.__version__ != SEEN_WITH:
            self.skipTest(f"seen with Accelerate {SEEN_WITH}, and this is {accelerate.__version__}")

    def test_epoch_not_saved(self):
        """A seedable sampler is back in epoch 0."""
        self.assertEqual(self.get_first(data_loaders={"use_seedable_sampler": True}, stop_step=8), ("TrainInput", 9))

    def test_shuffle(self):
        """The default sampler draws another order, of which the first batches are skipped."""
        self.assertEqual(self.get_first(stop_step=8), ("TrainInput", 9))

    def test_stateful_loader(self):
        """A StatefulDataLoader restores where it was, in an order that is another one."""
        self.assertEqual(self.get_first(data_loaders={"use_stateful_dataloader": True}), ("TrainInput", 5))

    def test_batch_ahead(self):
        """Its loader is a batch ahead, so that the random numbers of the next samples are drawn before the state is saved."""
        self.assertEqual(self.get_first(shuffle=False, noise=True), ("TrainInput", 5))

    def test_gradients_not_saved(self):
        """Saved within an accumulation window, the gradients so far are gone."""
        first = self.get_first(shuffle=False, accumulate=2, save_every=3, num_steps=6, stop_step=2)
        self.assertEqual(first[1], 2)


if __name__ == "__main__":
    if WHY_NOT is None:
        import forkserver
        forkserver.start(Training)
    tap.main("/python/accelerate")
