/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The settings of SngHarness, set and got. */

#include "harness/sng-harness-private.h"

static GParamSpec *properties[SNG_HARNESS_N_PROPS];

gboolean
sng_harness_update_uint (guint *field, const GValue *value)
{
  guint updated = g_value_get_uint (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
update_double (double *field, const GValue *value)
{
  double updated = g_value_get_double (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
update_boolean (gboolean *field, const GValue *value)
{
  gboolean updated = g_value_get_boolean (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

gboolean
sng_harness_update_string (char **field, const GValue *value)
{
  const char *updated = g_value_get_string (value);

  if (g_strcmp0 (*field, updated) == 0)
    return FALSE;

  g_free (*field);
  *field = g_strdup (updated);

  return TRUE;
}

gboolean
sng_harness_update_strv (char ***field, const GValue *value)
{
  char **updated = g_value_get_boxed (value);

  if (*field == updated
      || (*field != NULL && updated != NULL
          && g_strv_equal ((const char *const *) *field, (const char *const *) updated)))
    return FALSE;

  g_strfreev (*field);
  *field = g_strdupv (updated);

  return TRUE;
}

static gboolean
update_isolation (SngIsolation *field, const GValue *value)
{
  SngIsolation updated = g_value_get_enum (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
update_seed (guint64 *field, const GValue *value)
{
  guint64 updated = g_value_get_uint64 (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
update_stress (SngStress *field, const GValue *value)
{
  SngStress updated = g_value_get_flags (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
update_coverage_policy (SngCoveragePolicy *field, const GValue *value)
{
  SngCoveragePolicy updated = g_value_get_enum (value);
  gboolean changed = *field != updated;

  *field = updated;

  return changed;
}

static gboolean
sng_harness_update_property (SngHarnessPrivate *priv, guint prop_id, const GValue *value, gboolean *known)
{
  switch (prop_id)
    {
    case SNG_HARNESS_PROP_NUM_STEPS:
      return sng_harness_update_uint (&priv->num_steps, value);
    case SNG_HARNESS_PROP_VAL_CHECK_INTERVAL:
      return sng_harness_update_uint (&priv->val_check_interval, value);
    case SNG_HARNESS_PROP_LIMIT_VAL_BATCHES:
      return sng_harness_update_uint (&priv->limit_val_batches, value);
    case SNG_HARNESS_PROP_LR:
      return update_double (&priv->lr, value);
    case SNG_HARNESS_PROP_PRECISION:
      return sng_harness_update_string (&priv->precision, value);
    case SNG_HARNESS_PROP_TRAIN_VAL_OUTPUT_ATOL:
      return update_double (&priv->train_val_output_atol, value);
    case SNG_HARNESS_PROP_OTHER_OUTPUT_ATOL:
      return update_double (&priv->other_output_atol, value);
    case SNG_HARNESS_PROP_EXP_NAME:
      return sng_harness_update_string (&priv->exp_name, value);
    case SNG_HARNESS_PROP_ROOT_DIR:
      return sng_harness_update_string (&priv->root_dir, value);
    case SNG_HARNESS_PROP_METADATA_DIR:
      return sng_harness_update_string (&priv->metadata_dir, value);
    case SNG_HARNESS_PROP_STOP_STEP:
      return sng_harness_update_uint (&priv->stop_step, value);
    case SNG_HARNESS_PROP_SEED:
      return update_seed (&priv->seed, value);
    case SNG_HARNESS_PROP_ISOLATION:
      return update_isolation (&priv->isolation, value);
    case SNG_HARNESS_PROP_REPEAT:
      return update_boolean (&priv->repeat, value);
    case SNG_HARNESS_PROP_KEEP_RUNS:
      return update_boolean (&priv->keep_runs, value);
    case SNG_HARNESS_PROP_MICRO_BATCH_SIZE:
      return sng_harness_update_uint (&priv->micro_batch_size, value);
    case SNG_HARNESS_PROP_ACCUMULATE_GRAD_BATCHES:
      return sng_harness_update_uint (&priv->accumulate_grad_batches, value);
    case SNG_HARNESS_PROP_GRADIENT_CLIP_NORM:
      return update_double (&priv->gradient_clip_norm, value);
    case SNG_HARNESS_PROP_N_THREADS:
      return sng_harness_update_uint (&priv->n_threads, value);
    case SNG_HARNESS_PROP_DEVICE:
      return sng_harness_update_string (&priv->device, value);
    case SNG_HARNESS_PROP_RESUME_DEVICE:
      return sng_harness_update_string (&priv->resume_device, value);
    case SNG_HARNESS_PROP_COMMAND:
      return sng_harness_update_strv (&priv->command, value);
    case SNG_HARNESS_PROP_STOP_PLAN:
      return sng_harness_update_string (&priv->stop_plan, value);
    case SNG_HARNESS_PROP_JOBS:
      return sng_harness_update_uint (&priv->jobs, value);
    case SNG_HARNESS_PROP_HORIZON:
      return sng_harness_update_uint (&priv->horizon, value);
    case SNG_HARNESS_PROP_STRESS:
      return update_stress (&priv->stress, value);
    case SNG_HARNESS_PROP_COVERAGE_POLICY:
      return update_coverage_policy (&priv->coverage_policy, value);
    case SNG_HARNESS_PROP_NOISE_TOLERANCE:
      return update_boolean (&priv->noise_tolerance, value);
    case SNG_HARNESS_PROP_DRILL_DOWN:
      return update_boolean (&priv->drill_down, value);
    default:
      *known = FALSE;
      return FALSE;
    }
}

static void
sng_harness_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (object));
  gboolean known = TRUE;

  if (sng_harness_update_property (priv, prop_id, value, &known))
    g_object_notify_by_pspec (object, pspec);
  else if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sng_harness_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (object));

  switch (prop_id)
    {
    case SNG_HARNESS_PROP_NUM_STEPS:
      g_value_set_uint (value, priv->num_steps);
      break;
    case SNG_HARNESS_PROP_VAL_CHECK_INTERVAL:
      g_value_set_uint (value, priv->val_check_interval);
      break;
    case SNG_HARNESS_PROP_LIMIT_VAL_BATCHES:
      g_value_set_uint (value, priv->limit_val_batches);
      break;
    case SNG_HARNESS_PROP_LR:
      g_value_set_double (value, priv->lr);
      break;
    case SNG_HARNESS_PROP_PRECISION:
      g_value_set_string (value, priv->precision);
      break;
    case SNG_HARNESS_PROP_TRAIN_VAL_OUTPUT_ATOL:
      g_value_set_double (value, priv->train_val_output_atol);
      break;
    case SNG_HARNESS_PROP_OTHER_OUTPUT_ATOL:
      g_value_set_double (value, priv->other_output_atol);
      break;
    case SNG_HARNESS_PROP_EXP_NAME:
      g_value_set_string (value, priv->exp_name);
      break;
    case SNG_HARNESS_PROP_ROOT_DIR:
      g_value_set_string (value, priv->root_dir);
      break;
    case SNG_HARNESS_PROP_METADATA_DIR:
      g_value_set_string (value, priv->metadata_dir);
      break;
    case SNG_HARNESS_PROP_STOP_STEP:
      g_value_set_uint (value, priv->stop_step);
      break;
    case SNG_HARNESS_PROP_SEED:
      g_value_set_uint64 (value, priv->seed);
      break;
    case SNG_HARNESS_PROP_ISOLATION:
      g_value_set_enum (value, priv->isolation);
      break;
    case SNG_HARNESS_PROP_REPEAT:
      g_value_set_boolean (value, priv->repeat);
      break;
    case SNG_HARNESS_PROP_KEEP_RUNS:
      g_value_set_boolean (value, priv->keep_runs);
      break;
    case SNG_HARNESS_PROP_MICRO_BATCH_SIZE:
      g_value_set_uint (value, priv->micro_batch_size);
      break;
    case SNG_HARNESS_PROP_ACCUMULATE_GRAD_BATCHES:
      g_value_set_uint (value, priv->accumulate_grad_batches);
      break;
    case SNG_HARNESS_PROP_GRADIENT_CLIP_NORM:
      g_value_set_double (value, priv->gradient_clip_norm);
      break;
    case SNG_HARNESS_PROP_N_THREADS:
      g_value_set_uint (value, priv->n_threads);
      break;
    case SNG_HARNESS_PROP_DEVICE:
      g_value_set_string (value, priv->device);
      break;
    case SNG_HARNESS_PROP_RESUME_DEVICE:
      g_value_set_string (value, priv->resume_device);
      break;
    case SNG_HARNESS_PROP_COMMAND:
      g_value_set_boxed (value, priv->command);
      break;
    case SNG_HARNESS_PROP_STOP_PLAN:
      g_value_set_string (value, priv->stop_plan);
      break;
    case SNG_HARNESS_PROP_JOBS:
      g_value_set_uint (value, priv->jobs);
      break;
    case SNG_HARNESS_PROP_HORIZON:
      g_value_set_uint (value, priv->horizon);
      break;
    case SNG_HARNESS_PROP_STRESS:
      g_value_set_flags (value, priv->stress);
      break;
    case SNG_HARNESS_PROP_COVERAGE_POLICY:
      g_value_set_enum (value, priv->coverage_policy);
      break;
    case SNG_HARNESS_PROP_NOISE_TOLERANCE:
      g_value_set_boolean (value, priv->noise_tolerance);
      break;
    case SNG_HARNESS_PROP_DRILL_DOWN:
      g_value_set_boolean (value, priv->drill_down);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

void
sng_harness_install_properties (GObjectClass *object_class)
{
  object_class->set_property = sng_harness_set_property;
  object_class->get_property = sng_harness_get_property;

  sng_harness_add_property_specs (properties);
  g_object_class_install_properties (object_class, SNG_HARNESS_N_PROPS, properties);
}
