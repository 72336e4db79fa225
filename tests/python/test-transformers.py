#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares SngTransformer with Hugging Face's EsmForMaskedLM and GPT2LMHeadModel: names, shapes, loss, logits and
gradients of the same weights on the same batch.  Prints TAP; run it with any Python that has gi, torch and transformers."""

import sys

sys.path.append("/usr/lib/python3/dist-packages")

try:
    import numpy as np
    import torch
    import transformers
    import gi

    gi.require_version("Sng", "1.0")
    from gi.repository import GLib, Sng
except (ImportError, ValueError) as reason:
    print(f"1..0 # SKIP {reason}: ./bootstrap torch installs what this test needs")
    sys.exit(0)

NUMPY = {Sng.Dtype.F32: np.float32, Sng.Dtype.F64: np.float64, Sng.Dtype.I64: np.int64}
LOGITS_TOLERANCE = 1e-4    # absolute
GRADIENT_TOLERANCE = 1e-4  # of the norm


def to_numpy(tensor):
    data = np.frombuffer(tensor.dup_bytes().get_data(), dtype=NUMPY[tensor.get_dtype()])
    return data.reshape(tensor.get_shape()).copy()


def to_tensor(array):
    return Sng.Tensor.new_from_bytes(Sng.Dtype.I64, list(array.shape), GLib.Bytes.new(array.astype(np.int64).tobytes()))


def make_batch(generator, n_sequences, n_tokens, vocab_size, is_esm2, padding):
    low, high = (4, 24) if is_esm2 else (0, vocab_size)
    ids = generator.integers(low, high, (n_sequences, n_tokens))
    labels = np.where(generator.random(ids.shape) < (0.15 if is_esm2 else 1.0), ids, -100)
    mask = np.ones_like(ids)
    if is_esm2:
        ids[(labels >= 0) & (generator.random(ids.shape) < 0.8)] = 32
    if padding:
        mask[1, -padding:] = 0
        labels[1, -padding:] = -100
        if is_esm2:
            ids[1, -padding:] = 1
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def make_reference(is_esm2, n_layers, hidden_size, n_heads, vocab_size, max_length):
    if is_esm2:
        config = transformers.EsmConfig(
            vocab_size=vocab_size, mask_token_id=32, pad_token_id=1, hidden_size=hidden_size,
            num_hidden_layers=n_layers, num_attention_heads=n_heads, intermediate_size=4 * hidden_size,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, max_position_embeddings=max_length + 2,
            layer_norm_eps=1e-5, position_embedding_type="rotary", token_dropout=True, emb_layer_norm_before=False)
        config._attn_implementation = "eager"
        return transformers.EsmForMaskedLM(config)
    config = transformers.GPT2Config(
        vocab_size=vocab_size, n_positions=max_length, n_embd=hidden_size, n_layer=n_layers, n_head=n_heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)
    config._attn_implementation = "eager"
    return transformers.GPT2LMHeadModel(config)


def run_reference(reference, batch):
    """Our labels are not shifted by the model, so the loss is computed here for both."""
    outputs = reference(input_ids=torch.tensor(batch["input_ids"]), attention_mask=torch.tensor(batch["attention_mask"]))
    loss = torch.nn.functional.cross_entropy(outputs.logits.flatten(0, 1), torch.tensor(batch["labels"]).flatten())
    loss.backward()
    return loss.item(), outputs.logits.detach().numpy()


def compare(title, is_esm2, n_layers, hidden_size, n_heads, n_sequences, n_tokens, padding):
    vocab_size = 33 if is_esm2 else 256
    config = Sng.TransformerConfig.new(Sng.Architecture.ESM2 if is_esm2 else Sng.Architecture.GPT, n_layers,
                                       hidden_size, n_heads)
    config.set_property("max-length", n_tokens)
    config.set_property("max-batch-size", n_sequences)
    config.set_property("hidden-dropout", 0.0)
    config.set_property("attention-dropout", 0.0)
    config.set_property("seed", 7)
    model = Sng.Transformer.new(config, None)
    reference = make_reference(is_esm2, n_layers, hidden_size, n_heads, vocab_size, n_tokens)

    generator = np.random.default_rng(3)
    parameters = [p for p in model.get_parameters()]
    for p in parameters:
        values = to_numpy(p.get_value())
        noise = generator.normal(0, 0.05, values.shape).astype(np.float32)
        assert p.get_value().set_bytes(GLib.Bytes.new((values + noise).tobytes()))
    weights = {p.get_name(): torch.tensor(to_numpy(p.get_value())) for p in parameters}
    missing, unexpected = reference.load_state_dict(weights, strict=False)
    missing = [name for name in missing if name not in ("lm_head.decoder.weight", "lm_head.weight")
               and not name.endswith("inv_freq")]
    yield f"{title}/names", not missing and not unexpected, f"missing {missing}, unexpected {unexpected}"

    batch = make_batch(generator, n_sequences, n_tokens, vocab_size, is_esm2, padding)
    expected_loss, expected_logits = run_reference(reference, batch)
    inputs = Sng.StateDict.new()
    for name, array in batch.items():
        inputs.set_tensor(name, to_tensor(array))
    outputs = model.forward(inputs, Sng.Stage.TRAIN)
    loss = outputs.get_double("loss")
    loss = loss[1] if isinstance(loss, tuple) else loss
    difference = np.abs(to_numpy(outputs.lookup_tensor("logits")) - expected_logits).max()
    yield f"{title}/loss", abs(loss - expected_loss) < 1e-5, f"{loss} against {expected_loss}"
    yield f"{title}/logits", difference < LOGITS_TOLERANCE, f"differ by {difference:.2e}"

    model.zero_gradients()
    model.backward(1.0)
    expected = dict(reference.named_parameters())
    worst = (0.0, "")
    for p in parameters:
        gradient = expected[p.get_name()].grad
        if p.get_gradient() is None or gradient is None:
            continue
        gradient = gradient.numpy()
        difference = np.linalg.norm(to_numpy(p.get_gradient()) - gradient) / max(np.linalg.norm(gradient), 1e-8)
        if p.get_name().endswith("key.bias"):
            continue  # its true gradient is zero: softmax does not see what is the same for all keys
        worst = max(worst, (float(difference), p.get_name()))
    yield f"{title}/gradients", worst[0] < GRADIENT_TOLERANCE, f"{worst[1]} differs by {worst[0]:.2e} of its norm"


CASES = [
    ("esm2-3x128", True, 3, 128, 4, 2, 200, 37),
    ("esm2-6x320", True, 6, 320, 20, 2, 300, 0),
    ("gpt-3x128", False, 3, 128, 4, 2, 200, 0),
    ("gpt-3x128-padded", False, 3, 128, 4, 2, 130, 41),
    ("gpt-6x320", False, 6, 320, 20, 2, 300, 0),
]


def main():
    torch.manual_seed(1)
    results = [result for case in CASES for result in compare(*case)]
    print(f"1..{len(results)}")
    for number, (title, passed, details) in enumerate(results, 1):
        print(f"# {details}")
        print(f"{'ok' if passed else 'not ok'} {number} /sng/transformers/{title}")
    return 0 if all(passed for _, passed, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
