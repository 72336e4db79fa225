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
 * [method@Sng.Harness.run_stop_and_go]. The training then runs three times: CONTINUOUS runs
 * through, STOP ends after [property@Sng.Harness:stop-step], RESUME goes on from STOP's newest
 * checkpoint; with a [property@Sng.Harness:stop-plan] it may be stopped and resumed several times.
 * Everything the callbacks record is compared, and the [class@Sng.Report] says PASS, or where the resumed training first left
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
 * [property@Sng.Harness:exp-name] of its own. In a child of one of them the calls of the others fail
 * with %SNG_ERROR_NOT_SUPPORTED, and the program goes on to the one that the child is for.
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
  g_clear_object (&priv->plan);
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
  g_free (priv->device);
  g_free (priv->resume_device);
  g_clear_pointer (&priv->environment, g_variant_unref);
  g_free (priv->exp_name);
  g_free (priv->root_dir);
  g_free (priv->metadata_dir);
  g_free (priv->stop_plan);
  g_strfreev (priv->command);

  G_OBJECT_CLASS (sng_harness_parent_class)->finalize (object);
}

static void
install_signals (void)
{
  /**
   * SngHarness::mode-started:
   * @self: the harness
   * @mode: the mode
   *
   * A mode is about to run. Emitted once for each run, of which a mode may have several, also side by side, in the main context
   * that the call was started from.
   *
   * Since: 1.0
   */
  signals[MODE_STARTED] = g_signal_new ("mode-started", SNG_TYPE_HARNESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, SNG_TYPE_MODE);

  /**
   * SngHarness::mode-finished:
   * @self: the harness
   * @mode: the mode
   * @success: whether it ended without an error: at its last step, or where it was meant to be stopped
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
   * A step was finished. Emitted at most once for each step of a run, between the mode's
   * [signal@Sng.Harness::mode-started] and [signal@Sng.Harness::mode-finished], in the main context that the
   * run was started from. Within a run, @step never goes back. See [method@Sng.Harness.get_work] for the whole.
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

  object_class->constructed = sng_harness_constructed;
  object_class->dispose = sng_harness_dispose;
  object_class->finalize = sng_harness_finalize;

  sng_harness_set_default_vfuncs (klass);

  sng_harness_install_properties (object_class);
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
  priv->device = g_strdup ("cpu");
  priv->micro_batch_size = 2;
  priv->accumulate_grad_batches = 1;
  priv->horizon = 1;
  priv->drill_down = TRUE;
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

/**
 * sng_harness_get_work:
 * @self: a harness
 * @done: (out): steps that the runs of this call have made
 * @total: (out): steps that they will have made, about
 *
 * Tells how far a call has come, for a progress bar. A training that is killed repeats steps, so there may be more
 * in the end.
 *
 * Since: 1.0
 */
void
sng_harness_get_work (SngHarness *self, guint64 *done, guint64 *total)
{
  SngHarnessPrivate *priv;

  g_return_if_fail (SNG_IS_HARNESS (self));
  g_return_if_fail (done != NULL && total != NULL);

  priv = sng_harness_get_private (self);
  *done = priv->work_done;
  *total = MAX (priv->work_total, priv->work_done);
}
