#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The check of stop_and_go.py on a resume that forgets the optimizer. Succeeds
when that is found."""

import sys

from stop_and_go import Esm2Harness, Sng


class ForgetfulHarness(Esm2Harness):
    def do_restore(self, trainer, checkpoint):
        fresh = trainer.get_state_registry().lookup("optimizer").get_state()
        checkpoint.set_state("optimizer", fresh)
        return trainer.restore(checkpoint)


report = ForgetfulHarness(num_steps=10, stop_step=5).run_stop_and_go(None)
print(report.to_text())
sys.exit(report.get_verdict() != Sng.Verdict.DIVERGED)
