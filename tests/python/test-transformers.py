#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares SngTransformer with Hugging Face's EsmForMaskedLM and GPT2LMHeadModel: what a training here saved is loaded
there, and the other way round; logits, loss and gradients of the same weights on the same batch are the same."""

import dataclasses
import os
import sys
import tempfile
import unittest

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GLib, Sng
import tap

try:
    import numpy
    import safetensors.torch
    import torch
    import transformers
except ImportError as reason:
    print(f"1..0 # SKIP {reason}; {tap.NEEDS_TORCH}")
    sys.exit(0)

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

LOGITS_TOLERANCE = 1e-4    # absolute
LOSS_TOLERANCE = 1e-5      # absolute
GRADIENT_TOLERANCE = 1e-4  # norm of the difference, of the norm

# Of the norm, in bf16-mixed, against what libsng computes in f32; a parameter's gradient may be off by as much as
# torch.autocast's or the floor, whichever is more, times the factor.
MIXED_TOLERANCES = {"logits": 0.006, "gradients": 0.008, "parameters": 1.5}
MIXED_FLOOR = 0.004

TEXT = os.path.join(os.path.dirname(__file__), "..", "..", "COPYING")
MASK, PAD = 32, 1


@dataclasses.dataclass
class Case:
    """n_tokens of each of two sequences, of which the second ends n_padding earlier."""

    is_esm2: bool
    n_layers: int
    hidden_size: int
    n_heads: int
    n_tokens: int
    n_padding: int
    seed: int = 3

    @property
    def vocab_size(self):
        return 33 if self.is_esm2 else 256

    def new_model(self):
        architecture = Sng.Architecture.ESM2 if self.is_esm2 else Sng.Architecture.GPT
        config = Sng.TransformerConfig.new(architecture, self.n_layers, self.hidden_size, self.n_heads)
        for name, value in (("max-length", self.n_tokens), ("max-batch-size", 2), ("hidden-dropout", 0.0),
                            ("attention-dropout", 0.0), ("seed", 7)):
            config.set_property(name, value)
        return Sng.Transformer.new(config, None)

    def new_config(self):
        """That of facebook/esm2_t6_8M_UR50D but for the sizes and the length, or that of gpt2."""
        if self.is_esm2:
            config = transformers.EsmConfig(
                vocab_size=33, mask_token_id=MASK, pad_token_id=PAD, hidden_size=self.hidden_size,
                num_hidden_layers=self.n_layers, num_attention_heads=self.n_heads,
                intermediate_size=4 * self.hidden_size, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                max_position_embeddings=1026, layer_norm_eps=1e-5, position_embedding_type="rotary",
                token_dropout=True, emb_layer_norm_before=False)
        else:
            config = transformers.GPT2Config(
                vocab_size=256, n_positions=self.n_tokens, n_embd=self.hidden_size, n_layer=self.n_layers,
                n_head=self.n_heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)
        config._attn_implementation = "eager"
        return config

    @property
    def reference_class(self):
        return transformers.EsmForMaskedLM if self.is_esm2 else transformers.GPT2LMHeadModel

    def new_batch(self):
        """labels as transformers wants them: a causal model shifts them itself."""
        generator = numpy.random.default_rng(self.seed)
        low, high = (4, 24) if self.is_esm2 else (0, self.vocab_size)
        ids = generator.integers(low, high, (2, self.n_tokens))
        labels = ids.copy()
        mask = numpy.ones_like(ids)
        if self.is_esm2:
            labels[generator.random(ids.shape) >= 0.15] = -100
            ids[(labels >= 0) & (generator.random(ids.shape) < 0.8)] = MASK
        if self.n_padding:
            mask[1, -self.n_padding:] = 0
            ids[1, -self.n_padding:] = PAD
            labels[1, -self.n_padding:] = -100
        return {"input_ids": ids, "labels": labels, "attention_mask": mask}


ESM2 = Case(True, 3, 128, 4, 120, 37)
ESM2_8M = Case(True, 6, 320, 20, 150, 41)
GPT = Case(False, 3, 128, 4, 120, 37)
GPT_LARGER = Case(False, 6, 320, 20, 130, 0)


def add_noise(model):
    """The first weights are small, and many are 0 or 1; noise brings every part of a model into play."""
    generator = numpy.random.default_rng(5)
    for parameter in model.get_parameters():
        if parameter.get_gradient() is not None:
            values = parameter.get_value().numpy()
            values += generator.normal(0, 0.05, values.shape).astype(values.dtype)


def train(case, model, directory):
    """Trains two steps; returns the checkpoint of the last."""
    data = Sng.FastaDataModule.new(None, case.n_tokens) if case.is_esm2 else \
        Sng.TextDataModule.new(TEXT, case.n_tokens)
    trainer = Sng.Trainer(max_steps=2, micro_batch_size=2,
                          model_checkpoint=Sng.ModelCheckpoint.new(os.path.join(directory, "checkpoints"), 2))
    trainer.attach(model, data, Sng.Adamw.new(model.get_parameters(), 1e-3, 0.01), Sng.ConstantLr.new(1e-3))
    trainer.fit()
    return os.path.join(trainer.get_checkpoint_store().get_path(), "step-00000002")


def load_there(case, directory):
    """from_pretrained, and what it did not find or did not want: sets of names."""
    case.new_config().save_pretrained(directory)
    reference, info = case.reference_class.from_pretrained(directory, attn_implementation="eager",
                                                           output_loading_info=True)
    return reference, {kind: set(names) for kind, names in info.items() if names}


def run_there(reference, batch):
    """Loss, logits and gradients by name."""
    reference.zero_grad()
    outputs = reference(**{name: torch.tensor(values) for name, values in batch.items()})
    outputs.loss.backward()
    gradients = {name: None if p.grad is None else p.grad.numpy() for name, p in reference.named_parameters()}
    return outputs.loss.item(), outputs.logits.detach().float().numpy(), gradients


def run_here(case, model, batch, scale=1.0):
    """The same. Here the data module shifts the labels of a causal model."""
    labels = batch["labels"]
    if not case.is_esm2:
        labels = numpy.concatenate([labels[:, 1:], numpy.full((2, 1), -100)], axis=1)
    inputs = Sng.StateDict()
    for name, values in {**batch, "labels": labels}.items():
        inputs[name] = values.astype("int64")
    outputs = model.forward(inputs, Sng.Stage.TRAIN)
    logits = outputs["logits"].numpy().copy()
    model.zero_gradients()
    model.backward(scale)
    gradients = {p.get_name(): p.get_gradient() and p.get_gradient().numpy().copy() for p in model.get_parameters()}
    return outputs["loss"], logits, gradients


def relative_difference(name, here, there):
    return numpy.linalg.norm(here[name] - there[name]) / numpy.linalg.norm(there[name])


def differences(batch, here, there):
    """How far loss and logits differ, and the worst gradient, with its name. There is no promise about padding."""
    tokens = batch["attention_mask"] == 1
    gradients = [(relative_difference(name, here[2], there[2]), name)
                 for name, gradient in there[2].items() if gradient is not None]
    return {"loss": abs(here[0] - there[0]), "logits": abs(here[1] - there[1])[tokens].max(),
            "gradient": max(gradients)}


def within_tolerance(found):
    return {"loss": found["loss"] <= LOSS_TOLERANCE, "logits": found["logits"] <= LOGITS_TOLERANCE,
            "gradient": found["gradient"][0] <= GRADIENT_TOLERANCE}


def mixed_differences(batch, here, there, exact):
    """How far the logits and all gradients together are off, of their norm; and the worst parameter, beside autocast."""
    tokens = batch["attention_mask"] == 1
    names = [name for name, gradient in exact[2].items() if gradient is not None]
    norm = numpy.linalg.norm
    off = {name: norm(here[2][name] - exact[2][name]) for name in names}
    allowed = {name: max(norm(there[2][name] - exact[2][name]), MIXED_FLOOR * norm(exact[2][name])) for name in names}
    return {"logits": norm((here[1] - exact[1])[tokens]) / norm(exact[1][tokens]),
            "gradients": norm(list(off.values())) / norm([norm(exact[2][name]) for name in names]),
            "parameters": max(off[name] / allowed[name] for name in names)}


ALL_WITHIN = {"loss": True, "logits": True, "gradient": True}


class TransformersTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def save_there(self, reference):
        directory = os.path.join(self.directory, "pretrained")
        reference.save_pretrained(directory)
        return os.path.join(directory, "model.safetensors")

    def rewrite(self, path, change):
        tensors = safetensors.torch.load_file(path)
        change(tensors)
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})

    def assert_same_weights(self, model, reference):
        there = dict(reference.named_parameters()) | dict(reference.named_buffers())
        names = [p.get_name() for p in model.get_parameters()]
        self.assertEqual(set(names), {name for name in there if not name.endswith("position_ids")})
        for p in model.get_parameters():
            self.assertTrue(numpy.array_equal(p.get_value().numpy(), there[p.get_name()].detach().numpy()),
                            p.get_name())

    def check(self, case):
        # What a training saved here is what transformers computes with,
        model = case.new_model()
        add_noise(model)
        path = train(case, model, self.directory)
        reference, complaints = load_there(case, path)
        self.assertEqual(complaints, {})
        self.assert_same_weights(model, reference)

        # and it computes the same.
        batch = case.new_batch()
        here, there = run_here(case, model, batch), run_there(reference, batch)
        trained = {name for name, gradient in there[2].items() if gradient is not None}
        self.assertEqual({name for name, gradient in here[2].items() if gradient is not None}, trained)
        self.assertGreater(len(trained), 12 * case.n_layers)
        found = differences(batch, here, there)
        print(f"# loss {found['loss']:.1e}, logits {found['logits']:.1e}, "
              f"gradient {found['gradient'][0]:.1e} of its norm ({found['gradient'][1]})", flush=True)
        self.assertEqual(within_tolerance(found), ALL_WITHIN, found)

        # What is saved there is what libsng computes with.
        with torch.no_grad():
            for p in reference.parameters():
                p.add_(torch.randn(p.shape) * 0.01)
        other = case.new_model()
        other.load_weights(self.save_there(reference))
        self.assert_same_weights(other, reference)
        found = differences(batch, run_here(case, other, batch), run_there(reference, batch))
        self.assertEqual(within_tolerance(found), ALL_WITHIN, found)

    def test_esm2_3x128(self):
        self.check(ESM2)

    def test_esm2_8m(self):
        self.check(ESM2_8M)

    def test_gpt_3x128(self):
        self.check(GPT)

    def test_gpt_6x320(self):
        self.check(GPT_LARGER)

    def test_bf16_mixed(self):
        for case in (ESM2, ESM2_8M, GPT):
            with self.subTest(case=case):
                model = case.new_model()
                add_noise(model)
                reference, _ = load_there(case, train(case, model, self.directory))
                batch = case.new_batch()
                exact = run_here(case, model, batch)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    there = run_there(reference, batch)
                model.set_precision(Sng.Precision.BF16_MIXED)
                here = run_here(case, model, batch)

                found = mixed_differences(batch, here, there, exact)
                print("# bf16-mixed: " + ", ".join(f"{key} {value:.1e}" for key, value in found.items()), flush=True)
                self.assertLessEqual(abs(here[0] - exact[0]), 0.005)
                self.assertGreater(found["logits"], 1e-3)  # it is bf16
                for key, tolerance in MIXED_TOLERANCES.items():
                    self.assertLessEqual(found[key], tolerance, key)

                # Two swapped weights are no rounding,
                parameters = {p.get_name(): p.get_value().numpy() for p in model.get_parameters()}
                name = "esm.encoder.layer.{}.attention.self.query.weight" if case.is_esm2 else \
                    "transformer.h.{}.attn.c_proj.weight"
                first, second = parameters[name.format(0)], parameters[name.format(1)]
                first[:], second[:] = second.copy(), first.copy()
                found = mixed_differences(batch, run_here(case, model, batch), there, exact)
                for key, tolerance in MIXED_TOLERANCES.items():
                    self.assertGreater(found[key], tolerance, key)

                # nor is one small gradient that is 5 % too large.
                name = name.format(1)
                here[2][name] *= 1.05
                found = mixed_differences(batch, here, there, exact)
                self.assertGreater(found["parameters"], MIXED_TOLERANCES["parameters"])

    def plant(self, case, change):
        """What the comparison finds when one side's file is changed on its way."""
        model = case.new_model()
        add_noise(model)
        path = train(case, model, self.directory)
        self.rewrite(os.path.join(path, "model.safetensors"), change)
        reference, complaints = load_there(case, path)
        self.assertEqual(complaints, {})
        batch = case.new_batch()
        return differences(batch, run_here(case, model, batch), run_there(reference, batch))

    def test_finds_one_weight(self):
        def change(tensors):
            tensors["lm_head.bias" if case is ESM2 else "transformer.ln_f.bias"][7] += 1e-3

        for case in (ESM2, GPT):
            with self.subTest(case=case):
                found = self.plant(case, change)
                self.assertFalse(within_tolerance(found)["logits"], found)

    def test_finds_swapped_names(self):
        def change(tensors):
            first, second = (name.format(i) for i in range(2))
            tensors[first], tensors[second] = tensors[second], tensors[first]

        for case, name in ((ESM2, "esm.encoder.layer.{}.attention.self.query.weight"),
                           (GPT, "transformer.h.{}.attn.c_proj.weight")):
            with self.subTest(case=case):
                found = self.plant(case, change)
                self.assertEqual(within_tolerance(found), dict.fromkeys(ALL_WITHIN, False), found)

    def test_finds_a_scaled_gradient(self):
        model = ESM2.new_model()
        batch = ESM2.new_batch()
        expected = run_here(ESM2, model, batch)
        for scale, is_within in ((1.0 + 5e-5, True), (1.0 + 2e-4, False)):
            found = differences(batch, run_here(ESM2, model, batch, scale), expected)
            self.assertEqual(within_tolerance(found), {**ALL_WITHIN, "gradient": is_within}, found)

    def test_names_that_do_not_fit(self):
        def change(tensors):
            tensors[f"{name}s"] = tensors.pop(name)

        for case, name in ((ESM2, "lm_head.dense.bias"), (GPT, "transformer.ln_f.bias")):
            with self.subTest(case=case):
                model = case.new_model()
                path = train(case, model, self.directory)
                self.rewrite(os.path.join(path, "model.safetensors"), change)
                _, complaints = load_there(case, path)
                self.assertEqual(complaints, {"missing_keys": {name}, "unexpected_keys": {f"{name}s"}})

                reference = case.reference_class(case.new_config())
                path = self.save_there(reference)
                self.rewrite(path, change)
                before = model.get_state().compute_fingerprint().to_string()
                with self.assertRaisesRegex(GLib.Error, f"missing: '{name}'; unexpected: '{name}s'"):
                    model.load_weights(path)
                self.assertEqual(model.get_state().compute_fingerprint().to_string(), before)


if __name__ == "__main__":
    tap.main("/sng/python/transformers")
