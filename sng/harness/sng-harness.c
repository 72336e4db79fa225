/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "sng-enum-types.h"

/**
 * SngHarness:
 *
 * Checks that a training which was stopped and resumed is the same as one that
 * never stopped.
 *
 * Derive from it, say in [vfunc@Sng.Harness.setup_model] what is trained, and call
 * [method@Sng.Harness.run_stop_and_go]. The training then runs three times: STOP ends
 * after [property@Sng.Harness:stop-step], RESUME goes on from STOP's newest
 * checkpoint, CONTINUOUS runs through. Everything the callbacks record is compared,
 * and the [class@Sng.Report] says PASS, or where the resumed training first left
 * the path of the continuous one.
 *
 * ```c
 * static SngSetup *
 * my_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
 * {
 *   g_autoptr (SngModel) model = my_model_new ();
 *   g_autoptr (SngDataModule) data = my_data_module_new ();
 *   g_autoptr (GListModel) parameters = sng_model_get_parameters (model, error);
 *   g_autoptr (SngOptimizer) optimizer = NULL;
 *
 *   if (parameters == NULL)
 *     return NULL;
 *
 *   optimizer = sng_adamw_new (parameters, 1e-4, 0.01);
 *
 *   return sng_setup_new (model, data, optimizer, NULL);
 * }
 *
 * // ... and, with that vfunc set in class_init:
 * g_autoptr (SngHarness) harness = g_object_new (MY_TYPE_HARNESS, "num-steps", 20, NULL);
 * g_autoptr (SngReport) report = sng_harness_run_stop_and_go (harness, NULL, &error);
 * ```
 *
 * ## Processes
 *
 * Unless [property@Sng.Harness:isolation] says otherwise, each mode runs in a fresh
 * process, so that nothing survives a stop but what was saved. The harness starts the
 * program once more, with the same arguments and with the mode in its environment. When
 * that child reaches the same call, it runs the one mode and exits: the code
 * behind the call runs in the first process only. The code before it runs in every
 * process, and must lead there again without reading the standard input.
 *
 * A program that uses several harnesses gives each an
 * [property@Sng.Harness:exp-name] of its own.
 *
 * The vfuncs are called in the process that runs the mode. The signals are emitted
 * in the process and in the thread-default main context that the run was started from.
 *
 * ## Life cycle
 *
 * Properties and extra metrics are set before the first run. A temporary run
 * directory lives as long as the harness, or until a run fails; see
 * [property@Sng.Harness:root-dir] and [property@Sng.Harness:keep-runs].
 *
 * Since: 1.0
 */

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
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  MODE_STARTED,
  MODE_FINISHED,
  PROGRESS,
  DIVERGENCE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SngHarness, sng_harness, G_TYPE_OBJECT)

SngHarnessPrivate *
sng_harness_get_private (SngHarness *self)
{
  return sng_harness_get_instance_private (self);
}

static void
extra_metric_free (gpointer data)
{
  SngExtraMetric *metric = data;

  if (metric->user_data_free != NULL)
    metric->user_data_free (metric->user_data);
  g_free (metric->name);
  g_free (metric);
}

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
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* A type name such as "__main__+MyHarness", as a name for a directory. */
static char *
dup_type_name (SngHarness *self)
{
  return g_strcanon (g_strdup (G_OBJECT_TYPE_NAME (self)), G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_", '-');
}

static void
sng_harness_constructed (GObject *object)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (object));

  G_OBJECT_CLASS (sng_harness_parent_class)->constructed (object);

  if (priv->exp_name == NULL)
    priv->exp_name = dup_type_name (SNG_HARNESS (object));
}

static void
sng_harness_dispose (GObject *object)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (object));

  for (guint mode = 0; mode < SNG_N_MODES; mode++)
    g_clear_pointer (&priv->callbacks[mode], g_ptr_array_unref);
  g_clear_pointer (&priv->known_callbacks, g_ptr_array_unref);
  g_clear_object (&priv->report);
  sng_harness_remove_run_directory (SNG_HARNESS (object));

  G_OBJECT_CLASS (sng_harness_parent_class)->dispose (object);
}

static void
sng_harness_finalize (GObject *object)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (object));

  g_ptr_array_unref (priv->extra_metrics);
  g_ptr_array_unref (priv->warnings);
  g_free (priv->run_directory);
  g_free (priv->precision);
  g_free (priv->exp_name);
  g_free (priv->root_dir);
  g_free (priv->metadata_dir);
  g_strfreev (priv->command);

  G_OBJECT_CLASS (sng_harness_parent_class)->finalize (object);
}

static void
install_training_properties (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * SngHarness:num-steps:
   *
   * How many steps the whole training has.
   *
   * Since: 1.0
   */
  properties[PROP_NUM_STEPS] = g_param_spec_uint ("num-steps", NULL, NULL, 1, G_MAXUINT, 10, flags);

  /**
   * SngHarness:val-check-interval:
   *
   * After how many steps there is a validation and, after it, a checkpoint;
   * counted from the start of the training. 0: never, neither.
   *
   * Since: 1.0
   */
  properties[PROP_VAL_CHECK_INTERVAL] =
      g_param_spec_uint ("val-check-interval", NULL, NULL, 0, G_MAXUINT, 4, flags);

  /**
   * SngHarness:limit-val-batches:
   *
   * How many micro-batches a validation has at most; 0: all there are.
   *
   * Since: 1.0
   */
  properties[PROP_LIMIT_VAL_BATCHES] =
      g_param_spec_uint ("limit-val-batches", NULL, NULL, 0, G_MAXUINT, 2, flags);

  /**
   * SngHarness:lr:
   *
   * The learning rate, for [vfunc@Sng.Harness.setup_model] to use.
   *
   * Since: 1.0
   */
  properties[PROP_LR] = g_param_spec_double ("lr", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, flags);

  /**
   * SngHarness:precision:
   *
   * The precision of the training: "32", which is f32 throughout. Another one fails
   * with %SNG_ERROR_NOT_SUPPORTED when a run begins.
   *
   * Since: 1.0
   */
  properties[PROP_PRECISION] = g_param_spec_string ("precision", NULL, NULL, "32", flags);

  /**
   * SngHarness:seed:
   *
   * The seed of everything random.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * SngHarness:micro-batch-size:
   *
   * How many samples a micro-batch has.
   *
   * Since: 1.0
   */
  properties[PROP_MICRO_BATCH_SIZE] =
      g_param_spec_uint ("micro-batch-size", NULL, NULL, 1, G_MAXUINT, 2, flags);

  /**
   * SngHarness:accumulate-grad-batches:
   *
   * How many micro-batches a step has.
   *
   * Since: 1.0
   */
  properties[PROP_ACCUMULATE_GRAD_BATCHES] =
      g_param_spec_uint ("accumulate-grad-batches", NULL, NULL, 1, G_MAXUINT, 1, flags);

  /**
   * SngHarness:gradient-clip-norm:
   *
   * The global norm that gradients are clipped to; 0: they are not.
   *
   * Since: 1.0
   */
  properties[PROP_GRADIENT_CLIP_NORM] =
      g_param_spec_double ("gradient-clip-norm", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngHarness:n-threads:
   *
   * How many threads the device computes with, for
   * [vfunc@Sng.Harness.setup_model] to use; 0: one for each processor.
   *
   * Since: 1.0
   */
  properties[PROP_N_THREADS] = g_param_spec_uint ("n-threads", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

static void
install_run_properties (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * SngHarness:train-val-output-atol:
   *
   * By how much outputs and losses, of training and of validation, may differ.
   * 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[PROP_TRAIN_VAL_OUTPUT_ATOL] =
      g_param_spec_double ("train-val-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngHarness:other-output-atol:
   *
   * By how much every other metric may differ. 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[PROP_OTHER_OUTPUT_ATOL] =
      g_param_spec_double ("other-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngHarness:exp-name:
   *
   * The name of the check: that of its run directory, and what a child process finds
   * its harness by. By default made of the name of the type.
   *
   * Since: 1.0
   */
  properties[PROP_EXP_NAME] = g_param_spec_string ("exp-name", NULL, NULL, NULL, flags);

  /**
   * SngHarness:root-dir:
   *
   * Where the run directory is made, under [property@Sng.Harness:exp-name]; it stays
   * there. %NULL: in a temporary directory, which is removed with the harness.
   *
   * Since: 1.0
   */
  properties[PROP_ROOT_DIR] = g_param_spec_string ("root-dir", NULL, NULL, NULL, flags);

  /**
   * SngHarness:metadata-dir:
   *
   * Where the run stores are written, one directory for each mode; %NULL: in the run
   * directory.
   *
   * Since: 1.0
   */
  properties[PROP_METADATA_DIR] = g_param_spec_string ("metadata-dir", NULL, NULL, NULL, flags);

  /**
   * SngHarness:stop-step:
   *
   * The step after which STOP ends: from 1 to the last but one. 0: the first one
   * that saves a checkpoint.
   *
   * Since: 1.0
   */
  properties[PROP_STOP_STEP] = g_param_spec_uint ("stop-step", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * SngHarness:isolation:
   *
   * Whether each mode runs in a fresh process.
   *
   * Since: 1.0
   */
  properties[PROP_ISOLATION] =
      g_param_spec_enum ("isolation", NULL, NULL, SNG_TYPE_ISOLATION, SNG_ISOLATION_PROCESS, flags);

  /**
   * SngHarness:repeat:
   *
   * Whether the continuous training runs twice. Where those two differ, the training
   * itself is not deterministic, and the resume is not blamed.
   *
   * Since: 1.0
   */
  properties[PROP_REPEAT] = g_param_spec_boolean ("repeat", NULL, NULL, FALSE, flags);

  /**
   * SngHarness:keep-runs:
   *
   * Whether a temporary run directory stays.
   *
   * Since: 1.0
   */
  properties[PROP_KEEP_RUNS] = g_param_spec_boolean ("keep-runs", NULL, NULL, FALSE, flags);

  /**
   * SngHarness:command:
   *
   * The command that starts the program once more, program first; %NULL: the one that
   * this process was started with.
   *
   * Since: 1.0
   */
  properties[PROP_COMMAND] = g_param_spec_boxed ("command", NULL, NULL, G_TYPE_STRV, flags);
}

static void
install_signals (void)
{
  /**
   * SngHarness::mode-started:
   * @self: the harness
   * @mode: the mode
   *
   * A mode is about to run. Emitted once for each mode, in the main context that the run was
   * started from.
   *
   * Since: 1.0
   */
  signals[MODE_STARTED] = g_signal_new ("mode-started", SNG_TYPE_HARNESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, SNG_TYPE_MODE);

  /**
   * SngHarness::mode-finished:
   * @self: the harness
   * @mode: the mode
   * @success: whether it ended as it should: STOP by its interruption, every other mode by reaching its last step
   *
   * A mode has ended. Emitted once for each [signal@Sng.Harness::mode-started], in the main context that the run was
   * started from.
   *
   * Since: 1.0
   */
  signals[MODE_FINISHED] = g_signal_new ("mode-finished", SNG_TYPE_HARNESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 2, SNG_TYPE_MODE, G_TYPE_BOOLEAN);

  /**
   * SngHarness::progress:
   * @self: the harness
   * @mode: the mode that is running
   * @step: the global step that was finished
   * @n_steps: the last step of the mode
   *
   * A step was finished. Emitted at most once for each step, between the mode's
   * [signal@Sng.Harness::mode-started] and [signal@Sng.Harness::mode-finished], in the main context that the
   * run was started from. Within a mode, @step never goes back.
   *
   * Since: 1.0
   */
  signals[PROGRESS] = g_signal_new ("progress", SNG_TYPE_HARNESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 3, SNG_TYPE_MODE, G_TYPE_UINT64, G_TYPE_UINT64);

  /**
   * SngHarness::divergence:
   * @self: the harness
   * @divergence: where a metric first differs
   *
   * A metric differs. Emitted once for each metric that does, in the order of the report, after the last mode and before
   * the run's result is there, in the main context that the run was started from.
   *
   * Since: 1.0
   */
  signals[DIVERGENCE] = g_signal_new ("divergence", SNG_TYPE_HARNESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                      G_TYPE_NONE, 1, SNG_TYPE_DIVERGENCE);
}

static void
sng_harness_class_init (SngHarnessClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = sng_harness_set_property;
  object_class->get_property = sng_harness_get_property;
  object_class->constructed = sng_harness_constructed;
  object_class->dispose = sng_harness_dispose;
  object_class->finalize = sng_harness_finalize;

  sng_harness_set_default_vfuncs (klass);

  install_training_properties ();
  install_run_properties ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
  install_signals ();
}

static void
sng_harness_init (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  priv->num_steps = 10;
  priv->val_check_interval = 4;
  priv->limit_val_batches = 2;
  priv->lr = 1e-4;
  priv->precision = g_strdup ("32");
  priv->micro_batch_size = 2;
  priv->accumulate_grad_batches = 1;
  priv->isolation = SNG_ISOLATION_PROCESS;
  priv->extra_metrics = g_ptr_array_new_with_free_func (extra_metric_free);
  priv->warnings = g_ptr_array_new_with_free_func (g_free);
}

void
sng_harness_emit_mode_started (SngHarness *self, SngMode mode)
{
  g_signal_emit (self, signals[MODE_STARTED], 0, mode);
}

void
sng_harness_emit_mode_finished (SngHarness *self, SngMode mode, gboolean success)
{
  g_signal_emit (self, signals[MODE_FINISHED], 0, mode, success);
}

void
sng_harness_emit_progress (SngHarness *self, SngMode mode, guint64 step, guint64 n_steps)
{
  g_signal_emit (self, signals[PROGRESS], 0, mode, step, n_steps);
}

void
sng_harness_emit_divergence (SngHarness *self, SngDivergence *divergence)
{
  g_signal_emit (self, signals[DIVERGENCE], 0, divergence);
}

/**
 * sng_harness_add_metric:
 * @self: a harness
 * @name: the metric's name, which no other metric has
 * @func: (scope notified) (closure user_data) (destroy user_data_free): computes its value
 * @user_data: data for @func
 * @user_data_free: (nullable): frees @user_data
 *
 * Adds a metric: after each training step @func is called, in the process that runs the mode, and
 * its value is recorded and compared like any other.
 *
 * Since: 1.0
 */
void
sng_harness_add_metric (SngHarness *self,
                        const char *name,
                        SngMetricFunc func,
                        gpointer user_data,
                        GDestroyNotify user_data_free)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  SngExtraMetric *metric;

  g_return_if_fail (SNG_IS_HARNESS (self));
  g_return_if_fail (name != NULL && *name != '\0');
  g_return_if_fail (func != NULL);

  metric = g_new0 (SngExtraMetric, 1);
  metric->name = g_strdup (name);
  metric->func = func;
  metric->user_data = user_data;
  metric->user_data_free = user_data_free;
  g_ptr_array_add (priv->extra_metrics, metric);
  g_clear_pointer (&priv->known_callbacks, g_ptr_array_unref);
}
