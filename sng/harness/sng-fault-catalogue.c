/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-fault-plants-private.h"

/*
 * What went wrong in 130 reports in public trackers. A training in which all of it can be planted, but for what needs several
 * ranks, has
 *
 * - dropout or masking, and a state of its own that changes in validations only;
 * - a schedule with a slope at the stop;
 * - moments of f32, two groups of parameters with other settings, two parameters of one shape;
 * - an average of the weights, a loss scale that has grown (precision 16-mixed), an early stopping that waits;
 * - two micro-batches a step;
 * - a stop in the middle of an epoch after the first one, off the cadence of the validations, behind a validation and an older
 *   checkpoint, and with an epoch's end and another step of the same epoch behind it.
 */
/* clang-format off */
static const SngFaultSpec specs[] = {
  { "rng-reseeded", "a stream of random numbers is back at its seed",
    "dropout or masking", SNG_CAUSE_RNG, SNG_FAULT_PLACE_RESTORE,
    { "RngState" }, sng_fault_plant_rng_reseeded },
  { "rng-extra-draw", "one random number too many is drawn before the training goes on",
    "masking", SNG_CAUSE_RNG, SNG_FAULT_PLACE_RESTORE,
    { "RngState" }, sng_fault_plant_rng_extra_draw },
  { "rng-wrong-rank", "every rank has the random numbers of rank 0",
    "two ranks", SNG_CAUSE_RNG, SNG_FAULT_PLACE_RESTORE,
    { "RngState" }, sng_fault_plant_needs_ranks },
  { "data-restart", "the epoch starts over at its first sample",
    "a stop within an epoch", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_restart },
  { "data-skip", "a micro-batch is left out",
    NULL, SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_skip },
  { "data-repeat", "a micro-batch is seen twice",
    "a stop within an epoch", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_repeat },
  { "data-wrong-permutation", "the samples come in the order of epoch 0",
    "a stop after epoch 0", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_permutation },
  { "data-rest-dropped", "the rest of the epoch is left out",
    "a stop within an epoch", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_rest_dropped },
  { "data-exhausted", "the epoch after the stop is empty",
    "a stop at an epoch's end", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_exhausted, SNG_FAULT_AT_EPOCH_END },
  { "data-second-resume", "the place in the data counts from the resume before",
    "two stops in one epoch", SNG_CAUSE_DATA, SNG_FAULT_PLACE_NEXT_STEP,
    { "SampleIds", "TrainInput" }, sng_fault_plant_data_second, SNG_FAULT_AT_SECOND_STOP },
  { "lr-reset", "the schedule starts over",
    "a schedule", SNG_CAUSE_SCHEDULE, SNG_FAULT_PLACE_RESTORE,
    { "SchedulerState" }, sng_fault_plant_lr_reset },
  { "lr-off-by-one", "the schedule is one step behind",
    "a schedule", SNG_CAUSE_SCHEDULE, SNG_FAULT_PLACE_RESTORE,
    { "SchedulerState" }, sng_fault_plant_lr_off_by_one },
  { "lr-double-forward", "the schedule goes forward twice",
    "a schedule", SNG_CAUSE_SCHEDULE, SNG_FAULT_PLACE_RESTORE,
    { "SchedulerState" }, sng_fault_plant_lr_double_forward },
  { "opt-dropped", "the moments and the steps of the optimizer are gone",
    NULL, SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_dropped },
  { "opt-second-moment", "the second moments are gone, the first ones are not",
    "an optimizer with second moments", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_second_moment },
  { "opt-step-reset", "the optimizer counts its steps from 0",
    "an optimizer that counts its steps", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_step_reset },
  { "opt-step-off", "the optimizer has counted one step too many",
    "an optimizer that counts its steps", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_step_off },
  { "opt-bf16", "the moments have gone through bf16",
    "moments of f32", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_bf16 },
  { "opt-swapped", "two parameters have each other's moments",
    "two parameters of one shape", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_opt_swapped },
  { "opt-groups", "two groups of parameters have each other's settings",
    "two groups with other settings", SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { NULL }, sng_fault_plant_opt_groups },
  { "weights-bf16", "the weights have gone through bf16",
    "weights of f32", SNG_CAUSE_WEIGHTS, SNG_FAULT_PLACE_RESTORE,
    { "ModelWeights" }, sng_fault_plant_weights_bf16 },
  { "master-stale", "the optimizer goes on from weights that nobody has restored",
    NULL, SNG_CAUSE_WEIGHTS, SNG_FAULT_PLACE_NEXT_STEP,
    { "ModelWeights" }, sng_fault_plant_master_stale },
  { "ema-reset", "the average of the weights starts over",
    "an average of the weights", SNG_CAUSE_AVERAGES, SNG_FAULT_PLACE_RESTORE,
    { "EmaState" }, sng_fault_plant_ema_reset },
  { "ema-counter", "the average counts its updates from 0",
    "an average of the weights", SNG_CAUSE_AVERAGES, SNG_FAULT_PLACE_RESTORE,
    { "EmaState" }, sng_fault_plant_ema_counter },
  { "ema-as-weights", "the training goes on from the average of the weights",
    "an average of the weights", SNG_CAUSE_WEIGHTS, SNG_FAULT_PLACE_RESTORE,
    { "ModelWeights" }, sng_fault_plant_ema_as_weights },
  { "buffer-reset", "what the model or the user registered is as in the beginning",
    "a registered state beside the trainer's own", SNG_CAUSE_AVERAGES, SNG_FAULT_PLACE_RESTORE,
    { "RegisteredState" }, sng_fault_plant_buffer_reset },
  { "scaler-reset", "the loss scale is back at its start",
    "a loss scale that has moved (precision 16-mixed)", SNG_CAUSE_SCALER, SNG_FAULT_PLACE_RESTORE,
    { "GradScalerState" }, sng_fault_plant_scaler_reset },
  { "counter-off", "the training has counted one step too many",
    NULL, SNG_CAUSE_COUNTERS, SNG_FAULT_PLACE_RESTORE,
    { "GlobalStepState" }, sng_fault_plant_counter_off },
  { "val-shifted", "the interval of the validations counts from the resume",
    "validations, and a stop that is not at one of them", SNG_CAUSE_COUNTERS, SNG_FAULT_PLACE_NEXT_VALIDATION,
    { "ValidationBatches" }, sng_fault_plant_val_shifted },
  { "early-stop-reset", "the early stopping has forgotten its best score and its patience",
    "an early stopping, and a stop behind a validation", SNG_CAUSE_COUNTERS, SNG_FAULT_PLACE_RESTORE,
    { "RegisteredState" }, sng_fault_plant_early_stop_reset },
  { "accum-lost", "the gradient of the first micro-batch of the window is gone",
    "two micro-batches a step", SNG_CAUSE_UNKNOWN, SNG_FAULT_PLACE_NEXT_STEP,
    { "GradientNorm" }, sng_fault_plant_accum_lost },
  { "torn-mixed", "the weights are those of an older checkpoint",
    "an older checkpoint", SNG_CAUSE_CHECKPOINT, SNG_FAULT_PLACE_RESTORE,
    { "ModelWeights" }, sng_fault_plant_torn_mixed },
  { "stale-latest", "the training goes on from an older checkpoint",
    "an older checkpoint", SNG_CAUSE_CHECKPOINT, SNG_FAULT_PLACE_RESTORE,
    { "GlobalStepState" }, sng_fault_plant_stale_latest },
  { "async-race", "the optimizer was saved one step later than everything else",
    NULL, SNG_CAUSE_OPTIMIZER, SNG_FAULT_PLACE_RESTORE,
    { "OptimizerState" }, sng_fault_plant_async_race },
  { "reshard", "a rank has the state of another one",
    "two ranks", SNG_CAUSE_CHECKPOINT, SNG_FAULT_PLACE_RESTORE,
    { NULL }, sng_fault_plant_needs_ranks },
  { "silent-scratch", "nothing is restored",
    NULL, SNG_CAUSE_CHECKPOINT, SNG_FAULT_PLACE_RESTORE,
    { "GlobalStepState" }, sng_fault_plant_silent_scratch },
};
/* clang-format on */

const SngFaultSpec *
sng_fault_catalogue (guint *n_specs)
{
  *n_specs = G_N_ELEMENTS (specs);

  return specs;
}
