/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-command-harness-private.h"

#include <string.h>

#include "harness/sng-interrupt-private.h"
#include "sng-error.h"
#include "state/sng-state-io-private.h"

/**
 * SngCommandHarness:
 *
 * Checks any training that can be started by a command, in any language and in any loop: `sng check`.
 *
 * The command runs as CONTINUOUS, then as STOP, which is ended where the [property@Sng.Harness:stop-plan] says, and then as RESUME,
 * which must go on from what STOP has left. What it has to know is in its environment, and the [class@Sng.Recorder] that
 * [ctor@Sng.Recorder.new_from_environment] makes does the rest: the training calls [method@Sng.Recorder.step] at the end of each step.
 * Where CONTINUOUS and the interrupted training differ, CONTINUOUS is run once more, to tell a training that is not
 * deterministic from a resume that is wrong.
 *
 * ```c
 * const char *const command[] = { "python3", "train.py", NULL };
 * g_autoptr (SngHarness) harness = sng_command_harness_new (command);
 * g_autoptr (SngReport) report = NULL;
 *
 * g_object_set (harness, "stop-plan", "4:kill,7", "checkpoint-dir", "out", NULL);
 * report = sng_harness_run_stop_and_go (harness, NULL, &error);
 * ```
 *
 * ## Where the command keeps its state
 *
 * All that lasts from STOP to RESUME is in one directory, whose path is in the variable `SNG_CHECKPOINT_DIR`, and in the place of
 * `{checkpoint-dir}` in the arguments of the command; a command that always writes to the same
 * place has its name in [property@Sng.CommandHarness:checkpoint-dir]. It is empty when a training starts, so that no training finds what
 * another has left.
 *
 * ## Which samples
 *
 * A training that records the ids of each step's samples as the metric `SampleIds`, a value of the type `(tax)` with the epoch and the ids, has
 * them audited as [class@Sng.Coverage] does: each epoch takes each sample once, across all stops.
 *
 * ## What goes wrong
 *
 * Each has an error of its own: a command that fails (%SNG_ERROR_CHILD_FAILED), that does not end in time
 * (%SNG_ERROR_TIMED_OUT), that never records (%SNG_ERROR_NOT_RECORDED), that does not make the steps that it
 * was to make (%SNG_ERROR_OTHER_STEPS), that begins anew where it should go on (%SNG_ERROR_NOT_RESUMED). The message has the end of what
 * the command printed; all of it is in `output.log` in the run's directory.
 *
 * ## Settings
 *
 * Of the properties of [class@Sng.Harness] these count: [property@Sng.Harness:command], [property@Sng.Harness:num-steps] (0: as many as
 * CONTINUOUS makes), [property@Sng.Harness:stop-step] (0: half of them), [property@Sng.Harness:stop-plan] with stops at the end of a step,
 * [property@Sng.Harness:repeat], [property@Sng.Harness:noise-tolerance] and the tolerances, and where the runs are kept. Runs are made
 * one after the other. There are no single modes, no sweep, no faults.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (SngCommandHarness, sng_command_harness, SNG_TYPE_HARNESS)

enum
{
  PROP_0,
  PROP_STOP_COMMAND,
  PROP_RESUME_COMMAND,
  PROP_CHECKPOINT_DIR,
  PROP_COMPARE,
  PROP_TIMEOUT,
  PROP_KILL_DIR,
  PROP_KILL_EVERY,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* ---- Settings ---- */

char *
sng_command_harness_dup_checkpoint_path (SngCommandHarness *self)
{
  if (self->directory != NULL)
    return g_strdup (self->directory);

  return sng_harness_dup_run_path (SNG_HARNESS (self), "checkpoints");
}

static gboolean
check_interrupt (SngInterrupt *interrupt, GError **error)
{
  g_autofree char *text = sng_interrupt_to_string (interrupt);

  if (sng_interrupt_get_phase (interrupt) == SNG_PHASE_STEP_FINISHED
      && sng_interrupt_get_step (interrupt) > 0)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
      "[command][settings] stop-plan: %s: a command can be stopped at the end of a step only, such as at 7, "
      "7:kill or 7:preempt",
      text);

  return FALSE;
}

static gboolean
check_plan (SngHarness *harness, GError **error)
{
  const char *text = sng_harness_get_private (harness)->stop_plan;
  g_autoptr (SngStopPlan) plan = text != NULL ? sng_stop_plan_from_string (text, error) : NULL;

  if (text != NULL && plan == NULL)
    {
      g_prefix_error (error, "[command][settings] stop-plan: ");
      return FALSE;
    }

  for (guint i = 0; plan != NULL && i < sng_stop_plan_get_n_interrupts (plan); i++)
    if (!check_interrupt (sng_stop_plan_get_interrupt (plan, i), error))
      return FALSE;

  return TRUE;
}

/* What is there already would be taken for a training's own, and in the end be removed as such. */
static gboolean
check_checkpoint_dir (SngCommandHarness *self, GError **error)
{
  g_auto (GStrv) names = NULL;

  if (self->directory == NULL || !sng_state_io_exists (self->directory))
    return TRUE;

  names = sng_state_io_list (self->directory, error);
  if (names == NULL)
    {
      g_prefix_error (error, "[command][settings] checkpoint-dir: ");
      return FALSE;
    }

  if (names[0] == NULL)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "[command][settings] checkpoint-dir %s is not empty: %s is in it. A training must start anew, "
               "and what it "
               "leaves is removed; move away what is there",
               self->directory, names[0]);

  return FALSE;
}

static gboolean
check_settings (SngHarness *harness, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  SngHarnessPrivate *priv = sng_harness_get_private (harness);

  if (priv->command == NULL || priv->command[0] == NULL)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[command][settings] there is no command");
      return FALSE;
    }

  if ((self->stop_command != NULL && self->stop_command[0] == NULL)
      || (self->resume_command != NULL && self->resume_command[0] == NULL))
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[command][settings] the stop-command or the resume-command is empty");
      return FALSE;
    }

  if (self->stop_command != NULL && self->compare == NULL)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[command][settings] a stop-command is for a command that records nothing, of "
                           "which result files are "
                           "compared: set compare");
      return FALSE;
    }

  if (priv->num_steps != 0 && priv->stop_step >= priv->num_steps)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[command][settings] stop-step is %u, and num-steps %u: the stop must be before the last step",
          priv->stop_step, priv->num_steps);
      return FALSE;
    }

  self->first_step = self->last_step = priv->recorded_steps = 0;

  return check_plan (harness, error) && sng_command_find_checkpoints (self, error)
         && check_checkpoint_dir (self, error);
}

static const char *const settings[] = {
  "num-steps",
  "stop-step",
  "stop-plan",
  "repeat",
  "noise-tolerance",
  "train-val-output-atol",
  "other-output-atol",
  "coverage-policy",
  "drill-down",
  "stop-command",
  "resume-command",
  "checkpoint-dir",
  "compare",
  "timeout",
  "kill-dir",
  "kill-every",
  NULL,
};

static const SngRunner runner = {
  .stop_and_go = &sng_command_stop_and_go,
  .kills = &sng_command_kills,
  .settings = settings,
  .check_settings = check_settings,
  .make_run_async = sng_command_run_async,
};

/* ---- The type ---- */

static void
sng_command_harness_finalize (GObject *object)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (object);

  g_strfreev (self->stop_command);
  g_strfreev (self->resume_command);
  g_free (self->checkpoint_dir);
  g_free (self->directory);
  g_strfreev (self->compare);
  g_free (self->kill_dir);

  G_OBJECT_CLASS (sng_command_harness_parent_class)->finalize (object);
}

static void
sng_command_harness_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (object);

  switch (prop_id)
    {
    case PROP_STOP_COMMAND:
      g_value_set_boxed (value, self->stop_command);
      break;
    case PROP_RESUME_COMMAND:
      g_value_set_boxed (value, self->resume_command);
      break;
    case PROP_CHECKPOINT_DIR:
      g_value_set_string (value, self->checkpoint_dir);
      break;
    case PROP_COMPARE:
      g_value_set_boxed (value, self->compare);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_KILL_DIR:
      g_value_set_string (value, self->kill_dir);
      break;
    case PROP_KILL_EVERY:
      g_value_set_uint (value, self->kill_every);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_command_harness_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (object);
  gboolean changed = FALSE;

  switch (prop_id)
    {
    case PROP_STOP_COMMAND:
      changed = sng_harness_update_strv (&self->stop_command, value);
      break;
    case PROP_RESUME_COMMAND:
      changed = sng_harness_update_strv (&self->resume_command, value);
      break;
    case PROP_CHECKPOINT_DIR:
      changed = sng_harness_update_string (&self->checkpoint_dir, value);
      break;
    case PROP_COMPARE:
      changed = sng_harness_update_strv (&self->compare, value);
      break;
    case PROP_TIMEOUT:
      changed = sng_harness_update_uint (&self->timeout, value);
      break;
    case PROP_KILL_DIR:
      changed = sng_harness_update_string (&self->kill_dir, value);
      break;
    case PROP_KILL_EVERY:
      changed = sng_harness_update_uint (&self->kill_every, value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }

  if (changed)
    g_object_notify_by_pspec (object, pspec);
}

static void
sng_command_harness_class_init (SngCommandHarnessClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = sng_command_harness_finalize;
  object_class->get_property = sng_command_harness_get_property;
  object_class->set_property = sng_command_harness_set_property;

  /**
   * SngCommandHarness:stop-command:
   *
   * What STOP runs, where that is another command than [property@Sng.Harness:command]: one that ends by itself, before the training is over,
   * such as one with an option for fewer steps. It is for a command that records nothing.
   *
   * Since: 1.0
   */
  properties[PROP_STOP_COMMAND] = g_param_spec_boxed ("stop-command", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * SngCommandHarness:resume-command:
   *
   * What RESUME runs, where that is another command than [property@Sng.Harness:command], such as one with an option to resume.
   *
   * Since: 1.0
   */
  properties[PROP_RESUME_COMMAND] = g_param_spec_boxed ("resume-command", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * SngCommandHarness:checkpoint-dir:
   *
   * The directory to which the command always writes its checkpoints and results. It must be empty or not there yet. After each training what
   * is in it is removed. Unset, it is that of the first pattern in [property@Sng.CommandHarness:compare], else one in the run
   * directory, whose name the command is told.
   *
   * Since: 1.0
   */
  properties[PROP_CHECKPOINT_DIR] = g_param_spec_string ("checkpoint-dir", NULL, NULL, NULL, flags);

  /**
   * SngCommandHarness:compare:
   *
   * Patterns, as a shell has them, of files below the checkpoint directory that the trainings must leave alike: what is in a `.safetensors`,
   * `.npy`, `.json` or `.csv` file is compared by its contents, any other byte by byte. With them a command need not record anything.
   *
   * Since: 1.0
   */
  properties[PROP_COMPARE] = g_param_spec_boxed ("compare", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * SngCommandHarness:timeout:
   *
   * The seconds that a run may take; 0: as long as it likes.
   *
   * Since: 1.0
   */
  properties[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 0, G_MAXINT / 1000, 0, flags);

  /**
   * SngCommandHarness:kill-dir:
   *
   * The directory whose file operations [method@Sng.CommandHarness.run_kills] counts; one that begins with `{checkpoint-dir}` is below that.
   * Unset, it is the checkpoint directory.
   *
   * Since: 1.0
   */
  properties[PROP_KILL_DIR] = g_param_spec_string ("kill-dir", NULL, NULL, NULL, flags);

  /**
   * SngCommandHarness:kill-every:
   *
   * Before every how manyth of its file operations [method@Sng.CommandHarness.run_kills] kills the command; beside these, before the last
   * one. 1: before each.
   *
   * Since: 1.0
   */
  properties[PROP_KILL_EVERY] = g_param_spec_uint ("kill-every", NULL, NULL, 1, G_MAXINT, 1, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_command_harness_init (SngCommandHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (self));

  self->kill_every = 1;
  priv->runner = &runner;
  priv->num_steps = 0;
}

/**
 * sng_command_harness_new:
 * @command: (array zero-terminated=1): a program and its arguments
 *
 * Creates a harness of a training that a command starts.
 *
 * Returns: (transfer full) (type SngCommandHarness): a new harness
 *
 * Since: 1.0
 */
SngHarness *
sng_command_harness_new (const char *const *command)
{
  g_return_val_if_fail (command != NULL, NULL);

  return g_object_new (SNG_TYPE_COMMAND_HARNESS, "command", command, NULL);
}
