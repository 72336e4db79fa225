/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-trainer-private.h"

#include <math.h>

#include "train/sng-settings-private.h"

static void sng_training_progress_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngTrainingProgress,
                               sng_training_progress,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_training_progress_stateful_init))

static SngStateDict *
sng_training_progress_get_state (SngStateful *stateful, GError **error)
{
  SngTrainingProgress *self = SNG_TRAINING_PROGRESS (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "global_step", g_variant_new_uint64 (self->global_step));
  sng_state_dict_set_value (state, "consumed_samples",
                            g_variant_new_uint64 (self->consumed_samples[SNG_STAGE_TRAIN]));
  sng_state_dict_set_value (state, "consumed_validation_samples",
                            g_variant_new_uint64 (self->consumed_samples[SNG_STAGE_VALIDATE]));
  sng_state_dict_set_double (state, "valid_loss", self->valid_loss);
  sng_state_dict_set_value (state, "precision",
                            g_variant_new_string (sng_precision_to_string (self->precision)));

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngTrainingProgress *self,
            SngStateDict *state,
            guint64 counts[3],
            double *valid_loss,
            GError **error)
{
  const char *const names[] = { "global_step", "consumed_samples", "consumed_validation_samples",
                                "valid_loss", NULL };
  const char *place = "[trainer][restore]";
  g_autoptr (SngStateDict) own = sng_training_progress_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, names, error))
    return FALSE;

  for (guint i = 0; i < 3; i++)
    if (!sng_settings_get_uint64 (state, place, names[i], &counts[i], error))
      return FALSE;

  if (!sng_state_dict_get_double (state, "valid_loss", valid_loss, error))
    {
      g_prefix_error (error, "%s ", place);
      return FALSE;
    }

  return TRUE;
}

static gboolean
sng_training_progress_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  guint64 counts[3];
  double valid_loss;

  return read_state (SNG_TRAINING_PROGRESS (stateful), state, counts, &valid_loss, error);
}

static gboolean
sng_training_progress_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngTrainingProgress *self = SNG_TRAINING_PROGRESS (stateful);
  guint64 counts[3];
  double valid_loss;

  if (!read_state (self, state, counts, &valid_loss, error))
    return FALSE;

  self->global_step = counts[0];
  self->consumed_samples[SNG_STAGE_TRAIN] = counts[1];
  self->consumed_samples[SNG_STAGE_VALIDATE] = counts[2];
  self->valid_loss = valid_loss;

  return TRUE;
}

static void
sng_training_progress_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_training_progress_get_state;
  iface->check_state = sng_training_progress_check_state;
  iface->set_state = sng_training_progress_set_state;
}

static void
sng_training_progress_class_init (SngTrainingProgressClass *klass)
{
}

static void
sng_training_progress_init (SngTrainingProgress *self)
{
  self->valid_loss = NAN;
}
