/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-batch-private.h"

/* The trainer counts a step at its end; a validation runs after that. */
static guint64
get_step (SngTrainer *trainer, SngStage stage)
{
  return sng_trainer_get_global_step (trainer) + (stage == SNG_STAGE_TRAIN ? 1 : 0);
}

gboolean
sng_batch_record_tensors (SngCallback *callback,
                          SngTrainer *trainer,
                          SngStage stage,
                          guint micro_batch,
                          SngStateDict *tensors,
                          GError **error)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  guint n = sng_state_dict_get_n_items (tensors);

  for (guint i = 0; i < n; i++)
    {
      const char *name = sng_state_dict_get_name (tensors, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (tensors, name);

      if (tensor != NULL)
        sng_state_dict_set_tensor (state, name, tensor);
    }

  return sng_callback_record_state (callback, stage, get_step (trainer, stage), micro_batch, NULL, state,
                                    error);
}

gboolean
sng_batch_record_loss (SngCallback *callback,
                       SngTrainer *trainer,
                       SngStage stage,
                       guint micro_batch,
                       SngStateDict *outputs,
                       GError **error)
{
  double loss;

  return sng_state_dict_get_double (outputs, "loss", &loss, error)
         && sng_callback_record_value (callback, stage, get_step (trainer, stage), micro_batch, "",
                                       g_variant_new_double (loss), error);
}
