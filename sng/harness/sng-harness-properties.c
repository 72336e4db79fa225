/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "sng-enum-types.h"

#define FLAGS (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

enum
{
  PROP_0,
  PROP_NUM_STEPS,
  PROP_VAL_CHECK_INTERVAL,
  PROP_LIMIT_VAL_BATCHES,
  PROP_LR,
  PROP_PRECISION,
  PROP_TRAIN_VAL_OUTPUT_ATOL,
  PROP_OTHER_OUTPUT_ATOL,
  PROP_EXP_NAME,
  PROP_ROOT_DIR,
  PROP_METADATA_DIR,
  PROP_STOP_STEP,
  PROP_SEED,
  PROP_ISOLATION,
  PROP_REPEAT,
  PROP_KEEP_RUNS,
  PROP_MICRO_BATCH_SIZE,
  PROP_ACCUMULATE_GRAD_BATCHES,
  PROP_GRADIENT_CLIP_NORM,
  PROP_N_THREADS,
  PROP_COMMAND,
  PROP_STOP_PLAN,
  PROP_JOBS,
  PROP_HORIZON,
  PROP_STRESS,
  PROP_COVERAGE_POLICY,
  PROP_NOISE_TOLERANCE,
  PROP_DRILL_DOWN,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static gboolean
update_uint (guint *field, const GValue *value)
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

static gboolean
update_string (char **field, const GValue *value)
{
  const char *updated = g_value_get_string (value);

  if (g_strcmp0 (*field, updated) == 0)
    return FALSE;

  g_free (*field);
  *field = g_strdup (updated);

  return TRUE;
}

static gboolean
update_strv (char ***field, const GValue *value)
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
    case PROP_NUM_STEPS:
      return update_uint (&priv->num_steps, value);
    case PROP_VAL_CHECK_INTERVAL:
      return update_uint (&priv->val_check_interval, value);
    case PROP_LIMIT_VAL_BATCHES:
      return update_uint (&priv->limit_val_batches, value);
    case PROP_LR:
      return update_double (&priv->lr, value);
    case PROP_PRECISION:
      return update_string (&priv->precision, value);
    case PROP_TRAIN_VAL_OUTPUT_ATOL:
      return update_double (&priv->train_val_output_atol, value);
    case PROP_OTHER_OUTPUT_ATOL:
      return update_double (&priv->other_output_atol, value);
    case PROP_EXP_NAME:
      return update_string (&priv->exp_name, value);
    case PROP_ROOT_DIR:
      return update_string (&priv->root_dir, value);
    case PROP_METADATA_DIR:
      return update_string (&priv->metadata_dir, value);
    case PROP_STOP_STEP:
      return update_uint (&priv->stop_step, value);
    case PROP_SEED:
      return update_seed (&priv->seed, value);
    case PROP_ISOLATION:
      return update_isolation (&priv->isolation, value);
    case PROP_REPEAT:
      return update_boolean (&priv->repeat, value);
    case PROP_KEEP_RUNS:
      return update_boolean (&priv->keep_runs, value);
    case PROP_MICRO_BATCH_SIZE:
      return update_uint (&priv->micro_batch_size, value);
    case PROP_ACCUMULATE_GRAD_BATCHES:
      return update_uint (&priv->accumulate_grad_batches, value);
    case PROP_GRADIENT_CLIP_NORM:
      return update_double (&priv->gradient_clip_norm, value);
    case PROP_N_THREADS:
      return update_uint (&priv->n_threads, value);
    case PROP_COMMAND:
      return update_strv (&priv->command, value);
    case PROP_STOP_PLAN:
      return update_string (&priv->stop_plan, value);
    case PROP_JOBS:
      return update_uint (&priv->jobs, value);
    case PROP_HORIZON:
      return update_uint (&priv->horizon, value);
    case PROP_STRESS:
      return update_stress (&priv->stress, value);
    case PROP_COVERAGE_POLICY:
      return update_coverage_policy (&priv->coverage_policy, value);
    case PROP_NOISE_TOLERANCE:
      return update_boolean (&priv->noise_tolerance, value);
    case PROP_DRILL_DOWN:
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
    case PROP_NUM_STEPS:
      g_value_set_uint (value, priv->num_steps);
      break;
    case PROP_VAL_CHECK_INTERVAL:
      g_value_set_uint (value, priv->val_check_interval);
      break;
    case PROP_LIMIT_VAL_BATCHES:
      g_value_set_uint (value, priv->limit_val_batches);
      break;
    case PROP_LR:
      g_value_set_double (value, priv->lr);
      break;
    case PROP_PRECISION:
      g_value_set_string (value, priv->precision);
      break;
    case PROP_TRAIN_VAL_OUTPUT_ATOL:
      g_value_set_double (value, priv->train_val_output_atol);
      break;
    case PROP_OTHER_OUTPUT_ATOL:
      g_value_set_double (value, priv->other_output_atol);
      break;
    case PROP_EXP_NAME:
      g_value_set_string (value, priv->exp_name);
      break;
    case PROP_ROOT_DIR:
      g_value_set_string (value, priv->root_dir);
      break;
    case PROP_METADATA_DIR:
      g_value_set_string (value, priv->metadata_dir);
      break;
    case PROP_STOP_STEP:
      g_value_set_uint (value, priv->stop_step);
      break;
    case PROP_SEED:
      g_value_set_uint64 (value, priv->seed);
      break;
    case PROP_ISOLATION:
      g_value_set_enum (value, priv->isolation);
      break;
    case PROP_REPEAT:
      g_value_set_boolean (value, priv->repeat);
      break;
    case PROP_KEEP_RUNS:
      g_value_set_boolean (value, priv->keep_runs);
      break;
    case PROP_MICRO_BATCH_SIZE:
      g_value_set_uint (value, priv->micro_batch_size);
      break;
    case PROP_ACCUMULATE_GRAD_BATCHES:
      g_value_set_uint (value, priv->accumulate_grad_batches);
      break;
    case PROP_GRADIENT_CLIP_NORM:
      g_value_set_double (value, priv->gradient_clip_norm);
      break;
    case PROP_N_THREADS:
      g_value_set_uint (value, priv->n_threads);
      break;
    case PROP_COMMAND:
      g_value_set_boxed (value, priv->command);
      break;
    case PROP_STOP_PLAN:
      g_value_set_string (value, priv->stop_plan);
      break;
    case PROP_JOBS:
      g_value_set_uint (value, priv->jobs);
      break;
    case PROP_HORIZON:
      g_value_set_uint (value, priv->horizon);
      break;
    case PROP_STRESS:
      g_value_set_flags (value, priv->stress);
      break;
    case PROP_COVERAGE_POLICY:
      g_value_set_enum (value, priv->coverage_policy);
      break;
    case PROP_NOISE_TOLERANCE:
      g_value_set_boolean (value, priv->noise_tolerance);
      break;
    case PROP_DRILL_DOWN:
      g_value_set_boolean (value, priv->drill_down);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_schedule_properties (void)
{
  /**
   * SngHarness:num-steps:
   *
   * How many steps the whole training has.
   *
   * Since: 1.0
   */
  properties[PROP_NUM_STEPS] = g_param_spec_uint ("num-steps", NULL, NULL, 1, G_MAXUINT, 10, FLAGS);

  /**
   * SngHarness:val-check-interval:
   *
   * After how many steps there is a validation and, after it, a checkpoint;
   * counted from the start of the training. 0: never, neither.
   *
   * Since: 1.0
   */
  properties[PROP_VAL_CHECK_INTERVAL] =
      g_param_spec_uint ("val-check-interval", NULL, NULL, 0, G_MAXUINT, 4, FLAGS);

  /**
   * SngHarness:limit-val-batches:
   *
   * How many micro-batches a validation has at most; 0: all there are.
   *
   * Since: 1.0
   */
  properties[PROP_LIMIT_VAL_BATCHES] =
      g_param_spec_uint ("limit-val-batches", NULL, NULL, 0, G_MAXUINT, 2, FLAGS);

  /**
   * SngHarness:lr:
   *
   * The learning rate, for [vfunc@Sng.Harness.setup_model] to use.
   *
   * Since: 1.0
   */
  properties[PROP_LR] = g_param_spec_double ("lr", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, FLAGS);

  /**
   * SngHarness:precision:
   *
   * The precision of the training: "32", "bf16-mixed" or "16-mixed", see
   * [enum@Sng.Precision]. Where it is another name, or the model does not know it, a run
   * fails when it begins.
   *
   * Since: 1.0
   */
  properties[PROP_PRECISION] = g_param_spec_string ("precision", NULL, NULL, "32", FLAGS);
}

static void
install_training_properties (void)
{
  /**
   * SngHarness:seed:
   *
   * The seed of everything random.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXINT64, 0, FLAGS);

  /**
   * SngHarness:micro-batch-size:
   *
   * How many samples a micro-batch has.
   *
   * Since: 1.0
   */
  properties[PROP_MICRO_BATCH_SIZE] =
      g_param_spec_uint ("micro-batch-size", NULL, NULL, 1, G_MAXINT, 2, FLAGS);

  /**
   * SngHarness:accumulate-grad-batches:
   *
   * How many micro-batches a step has.
   *
   * Since: 1.0
   */
  properties[PROP_ACCUMULATE_GRAD_BATCHES] =
      g_param_spec_uint ("accumulate-grad-batches", NULL, NULL, 1, G_MAXINT, 1, FLAGS);

  /**
   * SngHarness:gradient-clip-norm:
   *
   * The global norm that gradients are clipped to; 0: they are not.
   *
   * Since: 1.0
   */
  properties[PROP_GRADIENT_CLIP_NORM] =
      g_param_spec_double ("gradient-clip-norm", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:n-threads:
   *
   * How many threads the device computes with, for
   * [vfunc@Sng.Harness.setup_model] to use; 0: one for each processor.
   *
   * Since: 1.0
   */
  properties[PROP_N_THREADS] = g_param_spec_uint ("n-threads", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);
}

static void
install_place_properties (void)
{
  /**
   * SngHarness:train-val-output-atol:
   *
   * By how much outputs and losses, of training and of validation, may differ.
   * 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[PROP_TRAIN_VAL_OUTPUT_ATOL] =
      g_param_spec_double ("train-val-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:other-output-atol:
   *
   * By how much every other metric may differ. 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[PROP_OTHER_OUTPUT_ATOL] =
      g_param_spec_double ("other-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:exp-name:
   *
   * The name of the check: that of its run directory, and what a child process finds
   * its harness by. By default made of the name of the type.
   *
   * Since: 1.0
   */
  properties[PROP_EXP_NAME] = g_param_spec_string ("exp-name", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:root-dir:
   *
   * Where the run directory is made, under [property@Sng.Harness:exp-name]; it stays
   * there. %NULL: in a temporary directory, which is removed with the harness.
   *
   * Since: 1.0
   */
  properties[PROP_ROOT_DIR] = g_param_spec_string ("root-dir", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:metadata-dir:
   *
   * Where the run stores are written, one directory for each mode; %NULL: in the run
   * directory.
   *
   * Since: 1.0
   */
  properties[PROP_METADATA_DIR] = g_param_spec_string ("metadata-dir", NULL, NULL, NULL, FLAGS);
}

static void
install_running_properties (void)
{
  /**
   * SngHarness:stop-step:
   *
   * The step after which STOP ends: from 1 to the last but one. 0: the first one
   * that saves a checkpoint.
   *
   * Since: 1.0
   */
  properties[PROP_STOP_STEP] = g_param_spec_uint ("stop-step", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);

  /**
   * SngHarness:isolation:
   *
   * Whether each mode runs in a fresh process.
   *
   * Since: 1.0
   */
  properties[PROP_ISOLATION] =
      g_param_spec_enum ("isolation", NULL, NULL, SNG_TYPE_ISOLATION, SNG_ISOLATION_PROCESS, FLAGS);

  /**
   * SngHarness:repeat:
   *
   * Whether the continuous training runs twice. Where those two differ, the training
   * itself is not deterministic, and the resume is not blamed.
   *
   * Since: 1.0
   */
  properties[PROP_REPEAT] = g_param_spec_boolean ("repeat", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:keep-runs:
   *
   * Whether a temporary run directory stays.
   *
   * Since: 1.0
   */
  properties[PROP_KEEP_RUNS] = g_param_spec_boolean ("keep-runs", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:command:
   *
   * The command that starts the program once more, program first; %NULL: the one that
   * this process was started with.
   *
   * Since: 1.0
   */
  properties[PROP_COMMAND] = g_param_spec_boxed ("command", NULL, NULL, G_TYPE_STRV, FLAGS);
}

static void
install_check_properties (void)
{
  /**
   * SngHarness:stop-plan:
   *
   * Where the training is stopped, as [func@Sng.StopPlan.from_string] takes it: a list such as
   * `4:kill,7`, or the name of a plan. %NULL: once, after [property@Sng.Harness:stop-step].
   *
   * Since: 1.0
   */
  properties[PROP_STOP_PLAN] = g_param_spec_string ("stop-plan", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:jobs:
   *
   * How many processes run side by side, where runs do not need one another; 0: one for each processor.
   *
   * Since: 1.0
   */
  properties[PROP_JOBS] = g_param_spec_uint ("jobs", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);

  /**
   * SngHarness:horizon:
   *
   * How many steps a sweep goes on after each stop. One finds whatever registered state lacks, more find
   * what is not registered and shows later.
   *
   * Since: 1.0
   */
  properties[PROP_HORIZON] = g_param_spec_uint ("horizon", NULL, NULL, 1, G_MAXUINT, 1, FLAGS);

  /**
   * SngHarness:stress:
   *
   * What is made harder for the runs that resume. A verdict does not depend on it.
   *
   * Since: 1.0
   */
  properties[PROP_STRESS] =
      g_param_spec_flags ("stress", NULL, NULL, SNG_TYPE_STRESS, SNG_STRESS_NONE, FLAGS);

  /**
   * SngHarness:coverage-policy:
   *
   * How often an epoch takes each of its samples, see [class@Sng.Coverage].
   *
   * Since: 1.0
   */
  properties[PROP_COVERAGE_POLICY] = g_param_spec_enum (
      "coverage-policy", NULL, NULL, SNG_TYPE_COVERAGE_POLICY, SNG_COVERAGE_POLICY_EXACTLY_ONCE, FLAGS);

  /**
   * SngHarness:noise-tolerance:
   *
   * Whether the difference of two uninterrupted runs is what a resumed one may differ by, too. It needs
   * [property@Sng.Harness:repeat].
   *
   * Since: 1.0
   */
  properties[PROP_NOISE_TOLERANCE] = g_param_spec_boolean ("noise-tolerance", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:drill-down:
   *
   * Whether a step at which the runs differ is made once more, to tell which elements differ and by how much.
   *
   * Since: 1.0
   */
  properties[PROP_DRILL_DOWN] = g_param_spec_boolean ("drill-down", NULL, NULL, TRUE, FLAGS);
}

void
sng_harness_install_properties (GObjectClass *object_class)
{
  object_class->set_property = sng_harness_set_property;
  object_class->get_property = sng_harness_get_property;

  install_schedule_properties ();
  install_training_properties ();
  install_place_properties ();
  install_running_properties ();
  install_check_properties ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
}
