/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-scheduler-state-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngSchedulerStateCallback:
 *
 * Records the state of the schedule of learning rates: the metric `SchedulerState`.
 *
 * A training without a schedule does not have this metric.
 *
 * Since: 1.0
 */
struct _SngSchedulerStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngSchedulerStateCallback, sng_scheduler_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_scheduler_state_callback_record (SngStateCallback *callback,
                                     SngTrainer *trainer,
                                     guint64 step,
                                     GError **error)
{
  return sng_state_callback_record_part (callback, sng_trainer_get_lr_scheduler (trainer), NULL, step, error);
}

static SngMetricFlags
sng_scheduler_state_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return sng_trainer_get_lr_scheduler (trainer) != NULL ? SNG_METRIC_EXPECT_CHANGE
                                                        : SNG_METRIC_NOT_APPLICABLE;
}

static void
sng_scheduler_state_callback_class_init (SngSchedulerStateCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->get_flags = sng_scheduler_state_callback_get_flags;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_scheduler_state_callback_record;
}

static void
sng_scheduler_state_callback_init (SngSchedulerStateCallback *self)
{
}

/**
 * sng_scheduler_state_callback_new:
 *
 * Makes a callback that records the state of the schedule.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_scheduler_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_SCHEDULER_STATE_CALLBACK, NULL);
}
