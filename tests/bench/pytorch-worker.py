# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of bench-pytorch.py: transformers' EsmForMaskedLM under torch.optim.AdamW, the same dialogue as in
bench-worker.c.  It says "loaded" when its libraries are there, and begins with a line "start": from then on it reads the weights
and the batches of the other side's files.  One command more, "plant FAULT", begins again with a fault, or "none", that must be
found."""

import argparse
import itertools
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file
from transformers import EsmConfig, EsmForMaskedLM

LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.01


def read_status(field):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def forget_peak():
    """The peak is counted anew from what is resident now; whether that can be."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def answer_memory(start, from_start):
    peak = read_status("VmHWM:") if from_start else 0
    print(start if peak > 0 else 0, peak, flush=True)


def make_model(options):
    config = EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=options.hidden, num_hidden_layers=options.layers,
        num_attention_heads=options.heads, intermediate_size=4 * options.hidden, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, max_position_embeddings=options.tokens + 2, layer_norm_eps=1e-5,
        position_embedding_type="rotary", token_dropout=True, emb_layer_norm_before=False, use_cache=False)
    config._attn_implementation = options.attention
    model = EsmForMaskedLM(config)
    missing, unexpected = model.load_state_dict(load_file(options.directory / "weights.safetensors"), strict=False)
    missing = [name for name in missing if name != "lm_head.decoder.weight" and not name.endswith("inv_freq")]
    if missing or unexpected:
        sys.exit(f"the weights do not fit: missing {missing}, unexpected {unexpected}")
    return model.to(options.device).train()


def make_optimizer(model, fault):
    """The fused AdamW: of PyTorch's three the fastest."""
    rate = 2 * LEARNING_RATE if fault == "learning-rate" else LEARNING_RATE
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=WEIGHT_DECAY,
                             fused=True)


def make_batch(path, options, fault):
    batch = load_file(path, device=options.device)
    if batch["attention_mask"].all():
        del batch["attention_mask"]  # it would only choose a slower kernel
    if fault == "labels":
        batch["labels"] = batch["labels"].where(batch["labels"] < 0, 4)
    if fault == "tokens":
        batch["input_ids"][0, 1:16] = 5
    return batch


def make_training(options, fault):
    model = make_model(options)
    paths = sorted(options.directory.glob("batch-*.safetensors"), key=lambda path: int(path.stem.split("-")[1]))
    return (torch.compile(model) if options.compile else model, make_optimizer(model, fault),
            itertools.cycle([make_batch(path, options, fault) for path in paths]))


def train_step(model, optimizer, batches, options):
    mixed = torch.autocast(options.device, dtype=torch.bfloat16, enabled=options.precision == "bf16-mixed")
    optimizer.zero_grad()
    with mixed:
        loss = model(**next(batches)).loss
    loss.backward()
    optimizer.step()
    return loss.item()


def answer_steps(n_steps, step):
    for _ in range(n_steps):
        wall, processor = time.monotonic(), time.process_time()
        loss = step()
        print(f"{loss:.9g} {time.monotonic() - wall:.9g} {time.process_time() - processor:.9g}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    for name in ("layers", "hidden", "heads", "tokens", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--precision", choices=("32", "bf16-mixed"), required=True)
    parser.add_argument("--attention", choices=("sdpa", "eager"), required=True)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    print("loaded", flush=True)
    if sys.stdin.readline() != "start\n":
        return
    start = read_status("VmRSS:")
    model, optimizer, batches = make_training(options, "none")
    from_start = forget_peak()

    print("ready", flush=True)
    for line in sys.stdin:
        command = line.split()
        if command[0] == "memory":
            answer_memory(start, from_start)
        elif command[0] == "plant":
            model, optimizer, batches = make_training(options, command[1])
        else:
            answer_steps(int(command[1]), lambda: train_step(model, optimizer, batches, options))


if __name__ == "__main__":
    main()
