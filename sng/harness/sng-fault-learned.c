/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Faults of what a training has learned: the optimizer, the weights and their averages, the loss scale. */

#include "harness/sng-fault-plants-private.h"

#include "train/sng-trainer-private.h"

/* All of it as when the training began. */
static gboolean
drop_state (SngFaultContext *context, const char *name)
{
  SngStateDict *fresh = sng_fault_get_fresh (context, name);

  if (sng_fault_get_state (context, name) != NULL && fresh != NULL)
    sng_checkpoint_set_state (context->checkpoint, name, fresh);

  return TRUE;
}

/* ---- Optimizer ---- */

gboolean
sng_fault_plant_opt_dropped (SngFaultContext *context, GError **error)
{
  return drop_state (context, "optimizer");
}

gboolean
sng_fault_plant_opt_second_moment (SngFaultContext *context, GError **error)
{
  SngStateDict *state = sng_fault_get_state (context, "optimizer");
  gboolean found = FALSE;

  for (guint i = 0; state != NULL && i < sng_state_dict_get_n_items (state); i++)
    {
      const char *name = sng_state_dict_get_name (state, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

      if (tensor == NULL || !g_str_has_suffix (name, ".exp_avg_sq"))
        continue;

      found |= sng_fault_zero_tensor (tensor);
    }

  return found
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                               "the optimizer keeps no tensors \"….exp_avg_sq\"");
}

gboolean
sng_fault_plant_opt_step_reset (SngFaultContext *context, GError **error)
{
  return sng_fault_put_count (context, "optimizer", "step", 0);
}

gboolean
sng_fault_plant_opt_step_off (SngFaultContext *context, GError **error)
{
  return sng_fault_move_count (context, "optimizer", "step", 1);
}

static gboolean
round_state (SngFaultContext *context, const char *name)
{
  SngStateDict *state = sng_fault_get_state (context, name);
  gboolean found = FALSE;

  for (guint i = 0; state != NULL && i < sng_state_dict_get_n_items (state); i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, sng_state_dict_get_name (state, i));

      found |= tensor != NULL && sng_fault_round_to_bf16 (tensor);
    }

  return found
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "%s has no tensors of f32 or f64", name);
}

gboolean
sng_fault_plant_opt_bf16 (SngFaultContext *context, GError **error)
{
  return round_state (context, "optimizer");
}

gboolean
sng_fault_plant_opt_swapped (SngFaultContext *context, GError **error)
{
  SngStateDict *state = sng_fault_get_state (context, "optimizer");

  if (state == NULL || sng_fault_swap_tensors (state, NULL))
    return TRUE;

  return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                            "the optimizer has no two tensors of one kind and one shape that differ");
}

/* Exchanges the values under two names of one end, such as the weight decay of two groups. */
static gboolean
swap_group_settings (SngStateDict *state, const char *suffix)
{
  const char *first = NULL;

  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      const char *name = sng_state_dict_get_name (state, i);
      GVariant *value = sng_state_dict_lookup_value (state, name);
      g_autoptr (GVariant) kept = NULL;

      if (value == NULL || !g_str_has_prefix (name, "group.") || !g_str_has_suffix (name, suffix))
        continue;

      if (first == NULL)
        {
          first = name;
          continue;
        }

      if (g_variant_equal (value, sng_state_dict_lookup_value (state, first)))
        continue;

      kept = g_variant_ref (value);
      sng_state_dict_set_value (state, name, sng_state_dict_lookup_value (state, first));
      sng_state_dict_set_value (state, first, kept);
      return TRUE;
    }

  return FALSE;
}

/* A libsng optimizer keeps the settings of its groups with its state, and refuses those of others. */
gboolean
sng_fault_plant_opt_groups (SngFaultContext *context, GError **error)
{
  SngStateDict *state = sng_fault_get_state (context, "optimizer");

  if (state == NULL || swap_group_settings (state, ".weight_decay")
      || swap_group_settings (state, ".learning_rate_factor"))
    return TRUE;

  return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                            "the optimizer has no two groups of other settings");
}

/* ---- Weights ---- */

gboolean
sng_fault_plant_weights_bf16 (SngFaultContext *context, GError **error)
{
  return round_state (context, "model");
}

static void
forget_weights_cb (SngTrainer *trainer,
                   SngStage stage,
                   guint micro_batch,
                   SngStateDict *batch,
                   SngStateDict *outputs,
                   SngStateDict *stale)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (trainer);
  g_autoptr (GError) error = NULL;

  if (stage != SNG_STAGE_TRAIN || (micro_batch + 1) % priv->accumulate_grad_batches != 0)
    return;

  g_signal_handlers_disconnect_by_func (trainer, forget_weights_cb, stale);

  if (!sng_stateful_set_state (SNG_STATEFUL (priv->model), stale, &error))
    sng_trainer_end_with_error (trainer, error);
}

/* The first gradients are those of the restored weights, but the optimizer goes on from weights of its own, which nobody
 * has restored. */
gboolean
sng_fault_plant_master_stale (SngFaultContext *context, GError **error)
{
  SngStateDict *fresh = sng_fault_get_fresh (context, "model");

  if (sng_fault_get_state (context, "model") == NULL || fresh == NULL)
    return TRUE;

  g_signal_connect_data (context->trainer, "micro-batch-end", G_CALLBACK (forget_weights_cb),
                         g_object_ref (fresh), (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  context->acts_later = TRUE;

  return TRUE;
}

/* ---- Averages ---- */

/* Gives one state the tensors that another one has under the same names. */
static void
copy_tensors (SngStateDict *from, SngStateDict *to)
{
  for (guint i = 0; i < sng_state_dict_get_n_items (from); i++)
    {
      const char *name = sng_state_dict_get_name (from, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (from, name);
      SngTensor *own = sng_state_dict_lookup_tensor (to, name);

      if (tensor != NULL && own != NULL && sng_tensor_same_layout (tensor, own))
        sng_state_dict_set_tensor (to, name, tensor);
    }
}

/* as one that is made anew from the restored model */
gboolean
sng_fault_plant_ema_reset (SngFaultContext *context, GError **error)
{
  SngStateDict *average = sng_fault_get_state (context, "ema");
  SngStateDict *model = sng_fault_get_state (context, "model");

  if (average == NULL || model == NULL)
    return TRUE;

  copy_tensors (model, average);

  return sng_fault_put_count (context, "ema", "n_updates", 0);
}

gboolean
sng_fault_plant_ema_counter (SngFaultContext *context, GError **error)
{
  return sng_fault_put_count (context, "ema", "n_updates", 0);
}

gboolean
sng_fault_plant_ema_as_weights (SngFaultContext *context, GError **error)
{
  SngStateDict *average = sng_fault_get_state (context, "ema");
  SngStateDict *model = sng_fault_get_state (context, "model");

  if (average != NULL && model != NULL)
    copy_tensors (average, model);

  return TRUE;
}

static gboolean
is_buffer (const char *name)
{
  const char *const others[] = { "trainer", "model", "optimizer",      "scheduler",        "grad-scaler",
                                 "sampler", "ema",   "early-stopping", "model-checkpoint", NULL };

  return !g_strv_contains (others, name) && !g_str_has_prefix (name, "rng/");
}

/* What has no other name is what the model or the user registered, as running statistics are. */
gboolean
sng_fault_plant_buffer_reset (SngFaultContext *context, GError **error)
{
  g_auto (GStrv) names = sng_checkpoint_dup_names (context->checkpoint);
  gboolean found = FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    if (is_buffer (names[i]))
      found |= drop_state (context, names[i]);

  return found
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                               "no state is registered beside those of the trainer's own parts");
}

/* ---- Loss scale ---- */

gboolean
sng_fault_plant_scaler_reset (SngFaultContext *context, GError **error)
{
  SngStateDict *scaler = sng_fault_get_state (context, "grad-scaler");
  SngStateDict *fresh = sng_fault_get_fresh (context, "grad-scaler");

  if (scaler != NULL && fresh != NULL && sng_state_dict_contains (fresh, "scale"))
    sng_fault_copy_entry (scaler, fresh, "scale");

  return TRUE;
}
