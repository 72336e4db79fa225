/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-callback.h"

#include <string.h>

#include "record/sng-recorder-private.h"
#include "state/sng-vfunc-private.h"

/**
 * SngCallback:
 *
 * Listens to a training and records one metric.
 *
 * A subclass implements the functions for the events that it wants to hear of, and
 * records there with [method@Sng.Callback.record_value],
 * [method@Sng.Callback.record_tensor] or [method@Sng.Callback.record_state]. It only
 * listens: it changes nothing of the training. An error from one of its functions ends the
 * training.
 *
 * ```c
 * static gboolean
 * my_temperature_callback_step_end (SngCallback *callback, SngTrainer *trainer, GError **error)
 * {
 *   return sng_callback_record_value (callback, SNG_STAGE_TRAIN, sng_trainer_get_global_step (trainer), -1, "",
 *                                     g_variant_new_double (read_temperature ()), error);
 * }
 *
 * static void
 * my_temperature_callback_class_init (MyTemperatureCallbackClass *klass)
 * {
 *   SNG_CALLBACK_CLASS (klass)->step_end = my_temperature_callback_step_end;
 * }
 * ```
 *
 * The metric of this one is `MyTemperature`, unless [property@Sng.Callback:metric]
 * says otherwise.
 *
 * Entries of a training step carry the global step that they belong to: those of a micro-batch
 * the step that is being made, which the trainer counts at its end. Those of a validation
 * carry the step after which it runs.
 *
 * A callback is attached to one trainer, and the trainer keeps it alive.
 *
 * Since: 1.0
 */

/**
 * SngCallbackClass:
 * @parent_class: the parent class
 * @get_flags: tells how the metric is judged; asked once, when the callback is attached.
 *   The default is %SNG_METRIC_EXPECT_CHANGE
 * @fit_start: the training begins, or goes on, at the trainer's global step
 * @step_start: a step begins
 * @micro_batch_end: a micro-batch of a step or of a validation has been computed
 * @step_end: a step is done, and counted
 * @validation_end: a validation is done
 * @step_finished: a step is over, with its validation and its checkpoint
 *
 * The functions that a callback may implement. Each is called in the thread that trains.
 *
 * Since: 1.0
 */

typedef struct
{
  char *metric;
  SngRecorder *recorder; /* NULL until attached */
} SngCallbackPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SngCallback, sng_callback, G_TYPE_OBJECT)

typedef enum
{
  PROP_METRIC = 1,
  N_PROPS,
} SngCallbackProperty;

static GParamSpec *properties[N_PROPS];

/* What is left of the type's name without what says that it is a callback: languages put a module or a word of
 * their own before it. */
static char *
make_metric (GType type)
{
  const char *name = g_type_name (type);
  const char *module = strrchr (name, '+');
  g_autofree char *metric = NULL;

  if (module != NULL)
    name = module + 1;
  if (g_str_has_prefix (name, "Gjs_"))
    name += strlen ("Gjs_");
  if (g_str_has_prefix (name, "Sng"))
    name += strlen ("Sng");

  metric = g_strdup (name);
  if (g_str_has_suffix (metric, "Callback"))
    metric[strlen (metric) - strlen ("Callback")] = '\0';

  return g_strdup (*metric != '\0' ? metric : name);
}

static void
sng_callback_constructed (GObject *object)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (SNG_CALLBACK (object));

  G_OBJECT_CLASS (sng_callback_parent_class)->constructed (object);

  if (priv->metric == NULL || *priv->metric == '\0')
    {
      g_free (priv->metric);
      priv->metric = make_metric (G_OBJECT_TYPE (object));
    }
}

static void
sng_callback_finalize (GObject *object)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (SNG_CALLBACK (object));

  g_clear_pointer (&priv->metric, g_free);
  g_clear_object (&priv->recorder);

  G_OBJECT_CLASS (sng_callback_parent_class)->finalize (object);
}

static void
sng_callback_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  switch ((SngCallbackProperty) property_id)
    {
    case PROP_METRIC:
      g_value_set_string (value, sng_callback_get_metric (SNG_CALLBACK (object)));
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
sng_callback_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (SNG_CALLBACK (object));

  switch ((SngCallbackProperty) property_id)
    {
    case PROP_METRIC:
      priv->metric = g_value_dup_string (value);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static SngMetricFlags
sng_callback_real_get_flags (SngCallback *self, SngTrainer *trainer, GError **error)
{
  return SNG_METRIC_EXPECT_CHANGE;
}

static void
sng_callback_class_init (SngCallbackClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = sng_callback_constructed;
  object_class->finalize = sng_callback_finalize;
  object_class->get_property = sng_callback_get_property;
  object_class->set_property = sng_callback_set_property;

  klass->get_flags = sng_callback_real_get_flags;

  /**
   * SngCallback:metric: (getter get_metric)
   *
   * The name of the metric. By default it is the type's name without the prefix `Sng`
   * and the suffix `Callback`.
   *
   * Since: 1.0
   */
  properties[PROP_METRIC] = g_param_spec_string (
      "metric", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_callback_init (SngCallback *self)
{
}

/**
 * sng_callback_get_metric: (get-property metric)
 * @self: a callback
 *
 * Gets the name of the metric.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_callback_get_metric (SngCallback *self)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_CALLBACK (self), NULL);

  return priv->metric;
}

/**
 * sng_callback_get_recorder:
 * @self: a callback
 *
 * Gets the recorder that the callback records with.
 *
 * Returns: (transfer none) (nullable): the recorder, or %NULL before it is attached
 *
 * Since: 1.0
 */
SngRecorder *
sng_callback_get_recorder (SngCallback *self)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_CALLBACK (self), NULL);

  return priv->recorder;
}

/* The end of each call of a vfunc: what went wrong ends the training. */
static void
finish_call (SngCallback *self, SngTrainer *trainer, const char *vfunc, gboolean done, GError *error)
{
  g_autoptr (GError) owned = error;

  if (!sng_vfunc_check_result (self, vfunc, done, &owned))
    sng_trainer_end_with_error (trainer, owned);
}

static void
fit_start_cb (SngTrainer *trainer, SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->fit_start (self, trainer, &error);

  finish_call (self, trainer, "fit_start", done, error);
}

static void
step_start_cb (SngTrainer *trainer, SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->step_start (self, trainer, &error);

  finish_call (self, trainer, "step_start", done, error);
}

static void
micro_batch_end_cb (SngTrainer *trainer,
                    SngStage stage,
                    guint micro_batch,
                    SngStateDict *batch,
                    SngStateDict *outputs,
                    SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->micro_batch_end (self, trainer, stage, micro_batch, batch,
                                                                  outputs, &error);

  finish_call (self, trainer, "micro_batch_end", done, error);
}

static void
step_end_cb (SngTrainer *trainer, SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->step_end (self, trainer, &error);

  finish_call (self, trainer, "step_end", done, error);
}

static void
validation_end_cb (SngTrainer *trainer, SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->validation_end (self, trainer, &error);

  finish_call (self, trainer, "validation_end", done, error);
}

static void
step_finished_cb (SngTrainer *trainer, SngCallback *self)
{
  GError *error = NULL;
  gboolean done = SNG_CALLBACK_GET_CLASS (self)->step_finished (self, trainer, &error);

  finish_call (self, trainer, "step_finished", done, error);
}

static void
commit_cb (SngTrainer *trainer, SngRecorder *recorder)
{
  g_autoptr (GError) error = NULL;

  if (!sng_recorder_finish_step (recorder, &error))
    sng_trainer_end_with_error (trainer, error);
}

static void
unref_closure (gpointer data, GClosure *closure)
{
  g_object_unref (data);
}

static void
listen (SngTrainer *trainer,
        const char *signal,
        gboolean wanted,
        GCallback callback,
        gpointer listener,
        GConnectFlags flags)
{
  if (wanted)
    g_signal_connect_data (trainer, signal, callback, g_object_ref (listener), unref_closure, flags);
}

/* What the callbacks of one trainer record with one recorder is committed once a step, after all of them. */
static void
ensure_commits (SngTrainer *trainer, SngRecorder *recorder)
{
  if (g_signal_handler_find (trainer, G_SIGNAL_MATCH_FUNC | G_SIGNAL_MATCH_DATA, 0, 0, NULL, commit_cb,
                             recorder)
      != 0)
    return;

  listen (trainer, "fit-start", TRUE, G_CALLBACK (commit_cb), recorder, G_CONNECT_AFTER);
  listen (trainer, "step-finished", TRUE, G_CALLBACK (commit_cb), recorder, G_CONNECT_AFTER);
}

/**
 * sng_callback_attach:
 * @self: a callback that is not attached
 * @trainer: a trainer with model, data and optimizer
 * @recorder: what to record with
 * @error: return location for a #GError
 *
 * Declares the metric and begins to listen. The callback lives as long as the trainer.
 *
 * It also sees to it that what is recorded is committed at the start of the training and
 * at the end of each step, once for all callbacks of the trainer and after them:
 * nobody needs to call [method@Sng.Recorder.finish_step].
 *
 * Where the training has nothing that the metric could record, as a schedule for
 * [class@Sng.SchedulerStateCallback], nothing is declared, and nothing recorded.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_callback_attach (SngCallback *self, SngTrainer *trainer, SngRecorder *recorder, GError **error)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);
  SngCallbackClass *klass;
  SngMetricFlags flags;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_CALLBACK (self), FALSE);
  g_return_val_if_fail (SNG_IS_TRAINER (trainer), FALSE);
  g_return_val_if_fail (SNG_IS_RECORDER (recorder), FALSE);
  g_return_val_if_fail (priv->recorder == NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  klass = SNG_CALLBACK_GET_CLASS (self);
  flags = klass->get_flags (self, trainer, &local_error);
  if (!sng_vfunc_check_result (self, "get_flags", TRUE, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  if ((flags & SNG_METRIC_NOT_APPLICABLE) == 0)
    {
      if (!sng_run_store_declare_metric (sng_recorder_get_store (recorder), priv->metric, flags, error))
        return FALSE;

      listen (trainer, "fit-start", klass->fit_start != NULL, G_CALLBACK (fit_start_cb), self, 0);
      listen (trainer, "step-start", klass->step_start != NULL, G_CALLBACK (step_start_cb), self, 0);
      listen (trainer, "micro-batch-end", klass->micro_batch_end != NULL, G_CALLBACK (micro_batch_end_cb),
              self, 0);
      listen (trainer, "step-end", klass->step_end != NULL, G_CALLBACK (step_end_cb), self, 0);
      listen (trainer, "validation-end", klass->validation_end != NULL, G_CALLBACK (validation_end_cb), self,
              0);
      listen (trainer, "step-finished", klass->step_finished != NULL, G_CALLBACK (step_finished_cb), self, 0);
      ensure_commits (trainer, recorder);
    }

  priv->recorder = g_object_ref (recorder);

  return TRUE;
}

/**
 * sng_callback_record_value:
 * @self: a callback that is attached
 * @stage: the stage that the entry belongs to
 * @step: the global step that it belongs to
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @path: what tells it apart from others of the metric at this place; may be empty
 * @value: a number, a boolean, a string or anything made of them; a floating
 *   reference is taken
 * @error: return location for a #GError
 *
 * Records a value of the metric.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_callback_record_value (SngCallback *self,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch,
                           const char *path,
                           GVariant *value,
                           GError **error)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_CALLBACK (self), FALSE);
  g_return_val_if_fail (priv->recorder != NULL, FALSE);

  return sng_recorder_record_value (priv->recorder, priv->metric, stage, step, micro_batch, path, value,
                                    error);
}

/**
 * sng_callback_record_tensor:
 * @self: a callback that is attached
 * @stage: the stage that the entry belongs to
 * @step: the global step that it belongs to
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @path: what tells it apart from others of the metric at this place; may be empty
 * @tensor: a tensor, which may change afterwards
 * @error: return location for a #GError
 *
 * Records a tensor of the metric as it is now.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_callback_record_tensor (SngCallback *self,
                            SngStage stage,
                            guint64 step,
                            gint64 micro_batch,
                            const char *path,
                            SngTensor *tensor,
                            GError **error)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_CALLBACK (self), FALSE);
  g_return_val_if_fail (priv->recorder != NULL, FALSE);

  return sng_recorder_record_tensor (priv->recorder, priv->metric, stage, step, micro_batch, path, tensor,
                                     error);
}

/**
 * sng_callback_record_state:
 * @self: a callback that is attached
 * @stage: the stage that the entries belong to
 * @step: the global step that they belong to
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @prefix: (nullable): what comes before the names, with a `/` between them, or %NULL
 * @state: a dictionary
 * @error: return location for a #GError
 *
 * Records everything in a dictionary, tensors and values, in its order and under its names. On a GPU its tensors take
 * less time than one by one.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_callback_record_state (SngCallback *self,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch,
                           const char *prefix,
                           SngStateDict *state,
                           GError **error)
{
  SngCallbackPrivate *priv = sng_callback_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_CALLBACK (self), FALSE);
  g_return_val_if_fail (priv->recorder != NULL, FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (state), FALSE);

  return sng_recorder_record_state (priv->recorder, priv->metric, stage, step, micro_batch, prefix, state,
                                    error);
}
