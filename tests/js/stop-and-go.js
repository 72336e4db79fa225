// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// stop-and-go.js [FORGET]: the training of linear.js with a process for each
// mode. Prints the report; succeeds when the run passes.

import Sng from 'gi://Sng?version=1.0';
import System from 'system';
import {LinearHarness} from './linear.js';

const report = new LinearHarness({forget: ARGV[0]}).run_stop_and_go(null);
print(report.to_json());
System.exit(report.get_verdict() === Sng.Verdict.PASS ? 0 : 1);
