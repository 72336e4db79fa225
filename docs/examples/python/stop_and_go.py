#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that a small ESM-2, trained on the proteins that come with libsng,
comes out the same when it is stopped and resumed."""

import sys

import gi
gi.require_version("Sng", "1.0")
from gi.repository import Sng


class Esm2Harness(Sng.Harness):
    def do_setup_model(self, mode):
        config = Sng.TransformerConfig.new(Sng.Architecture.ESM2, n_layers=2, hidden_size=32, n_heads=4)
        config.props.max_length = 64
        model = Sng.Transformer.new(config, None)
        data = Sng.FastaDataModule.new(None, max_length=64)
        optimizer = Sng.Adamw.new(model.get_parameters(), learning_rate=1e-3, weight_decay=0.01)
        scheduler = Sng.CosineLr.new(learning_rate=1e-3, minimum=1e-5, warmup_steps=2, max_steps=10)
        return Sng.Setup.new(model, data, optimizer, scheduler)


def main():
    harness = Esm2Harness(num_steps=10, stop_step=5)
    harness.connect("mode-started", lambda harness, mode: print(f"{mode.value_nick} …", flush=True))
    harness.connect("divergence", lambda harness, divergence: print(divergence.to_string()))

    # Starts this program again for each mode; only the first process gets past this line.
    report = harness.run_stop_and_go(None)

    for metric in report.get_metrics():
        print(f"{metric.get_name():20} {metric.get_compared():5}  {metric.get_verdict().value_nick}")
    print(report.get_summary())
    return report.get_verdict() != Sng.Verdict.PASS


if __name__ == "__main__":
    sys.exit(main())
