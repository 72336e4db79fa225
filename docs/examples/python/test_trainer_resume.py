# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does Transformers' own resume go on as if nothing had been? Run it with: pytest -v test_trainer_resume.py"""

import pytest

import sng

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs Transformers")
pytest.importorskip("accelerate", reason="needs Accelerate, without which there is no Trainer")


class TestMaskedModel(sng.transformers.StopAndGoHarness):
    num_steps = 8
    stop_step = 4
    ignore_logged = ["train_loss"]  # Trainer's own, which counts only the steps since the resume

    def setup_model(self, mode):
        config = transformers.BertConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
        tokens = torch.randint(5, 32, (12, 8), generator=torch.Generator().manual_seed(1))
        return transformers.BertForMaskedLM(config), [{"input_ids": sample, "labels": sample} for sample in tokens]

    def setup_trainer(self, mode, **defaults):
        return super().setup_trainer(mode, per_device_train_batch_size=2, use_cpu=True, **defaults)
