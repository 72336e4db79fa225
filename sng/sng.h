/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#define SNG_INSIDE

#include "sng-version.h"
#include "sng-error.h"
#include "sng-types.h"

#include "tensor/sng-device.h"
#include "tensor/sng-dlpack.h"
#include "tensor/sng-dtype.h"
#include "tensor/sng-fingerprint.h"
#include "tensor/sng-tensor.h"

#include "state/sng-checkpoint-store.h"
#include "state/sng-checkpoint.h"
#include "state/sng-safetensors.h"
#include "state/sng-shard.h"
#include "state/sng-state-dict.h"
#include "state/sng-state-registry.h"
#include "state/sng-stateful.h"

#include "record/sng-metadata.h"
#include "record/sng-recorder.h"
#include "record/sng-run-store.h"

#include "train/sng-data-module.h"
#include "train/sng-early-stopping.h"
#include "train/sng-exponential-moving-average.h"
#include "train/sng-fasta-data-module.h"
#include "train/sng-grad-scaler.h"
#include "train/sng-lr-scheduler.h"
#include "train/sng-model-checkpoint.h"
#include "train/sng-model.h"
#include "train/sng-optimizer.h"
#include "train/sng-parameter.h"
#include "train/sng-preemption.h"
#include "train/sng-rng-stream.h"
#include "train/sng-sampler.h"
#include "train/sng-text-data-module.h"
#include "train/sng-trainer.h"

#include "nn/sng-adamw.h"
#include "nn/sng-grouped-optimizer.h"
#include "nn/sng-lr-schedulers.h"
#include "nn/sng-sgd.h"
#include "nn/sng-transformer-config.h"
#include "nn/sng-transformer.h"

#include "callbacks/sng-callback.h"
#include "callbacks/sng-consumed-samples-callback.h"
#include "callbacks/sng-ema-state-callback.h"
#include "callbacks/sng-function-callback.h"
#include "callbacks/sng-global-step-state-callback.h"
#include "callbacks/sng-grad-scaler-state-callback.h"
#include "callbacks/sng-gradient-norm-callback.h"
#include "callbacks/sng-init-consumed-samples-callback.h"
#include "callbacks/sng-learning-rate-callback.h"
#include "callbacks/sng-model-weights-callback.h"
#include "callbacks/sng-optimizer-state-callback.h"
#include "callbacks/sng-registered-state-callback.h"
#include "callbacks/sng-rng-state-callback.h"
#include "callbacks/sng-sample-ids-callback.h"
#include "callbacks/sng-scheduler-state-callback.h"
#include "callbacks/sng-state-callback.h"
#include "callbacks/sng-train-input-callback.h"
#include "callbacks/sng-train-loss-callback.h"
#include "callbacks/sng-train-output-callback.h"
#include "callbacks/sng-valid-input-callback.h"
#include "callbacks/sng-valid-loss-callback.h"
#include "callbacks/sng-valid-output-callback.h"

#include "compare/sng-comparison.h"
#include "compare/sng-coverage.h"
#include "compare/sng-diagnose.h"
#include "compare/sng-diagnosis.h"
#include "compare/sng-diff.h"
#include "compare/sng-divergence.h"
#include "compare/sng-fault-result.h"
#include "compare/sng-kill-result.h"
#include "compare/sng-metric-result.h"
#include "compare/sng-report-run.h"
#include "compare/sng-report.h"
#include "compare/sng-tensor-diff.h"
#include "compare/sng-tolerance.h"

#include "harness/sng-fault.h"
#include "harness/sng-harness.h"
#include "harness/sng-command-harness.h"
#include "harness/sng-interrupt.h"
#include "harness/sng-setup.h"
#include "harness/sng-stop-plan.h"
#include "harness/sng-test.h"

#include "sng-enum-types.h"

#undef SNG_INSIDE
