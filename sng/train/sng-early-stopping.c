/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-early-stopping.h"

#include <math.h>

#include "sng-enum-types.h"
#include "sng-error.h"
#include "train/sng-monitor-private.h"
#include "train/sng-settings-private.h"

/**
 * SngEarlyStopping:
 *
 * Ends a training that does not get better any more.
 *
 * ```c
 * g_autoptr (SngEarlyStopping) early_stopping = sng_early_stopping_new ("valid_loss", SNG_MONITOR_MODE_MIN, 3);
 *
 * g_object_set (trainer, "early-stopping", early_stopping, NULL);
 * ```
 *
 * After each validation the trainer hands over what is monitored, one of the names of
 * [method@Sng.Trainer.get_monitored]. The rules are those of Lightning's `EarlyStopping`, in
 * this order:
 *
 * 1. a value that is not finite stops, with [property@Sng.EarlyStopping:check-finite];
 * 2. one that is better than [property@Sng.EarlyStopping:stopping-threshold] stops;
 * 3. one that is better than the best so far by more than
 *    [property@Sng.EarlyStopping:min-delta] is the new best, and the count of
 *    waits begins at 0;
 * 4. any other one is waited for, and the wait number
 *    [property@Sng.EarlyStopping:patience] stops. A patience of 0 is like one of 1.
 *
 * Without `check-finite` what is no number is never better, so it is waited for.
 *
 * With a [class@Sng.Trainer] there is less of that than with Lightning: a loss that is not finite, in training or in a
 * validation, ends the training with %SNG_ERROR_NON_FINITE, since nobody wants the model that made it. What comes here
 * is the NaN of a validation, or of a step, without targets.
 *
 * To stop means that the step is the last one: its checkpoint is saved as that of
 * [property@Sng.Trainer:max-steps] would be, and
 * [signal@Sng.Trainer::fit-end] follows. A training that has stopped does not go on, not
 * after a resume either.
 *
 * The state is `best_score`, `wait_count` and `stopped_step`, and the settings `monitor`,
 * `mode`, `patience`, `min_delta`, `stopping_threshold` and `check_finite`. Other settings
 * than one's own are refused.
 *
 * Since: 1.0
 */

struct _SngEarlyStopping
{
  GObject parent_instance;

  char *monitor;
  SngMonitorMode mode;
  guint patience;
  double min_delta;
  double stopping_threshold;
  gboolean check_finite;

  double best_score;
  guint wait_count;
  guint64 stopped_step; /* 0: it has not */
};

static void sng_early_stopping_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngEarlyStopping,
                               sng_early_stopping,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_early_stopping_stateful_init))

enum
{
  PROP_0,
  PROP_MONITOR,
  PROP_MODE,
  PROP_PATIENCE,
  PROP_MIN_DELTA,
  PROP_STOPPING_THRESHOLD,
  PROP_CHECK_FINITE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static SngStateDict *
sng_early_stopping_get_state (SngStateful *stateful, GError **error)
{
  SngEarlyStopping *self = SNG_EARLY_STOPPING (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_double (state, "best_score", self->best_score);
  sng_state_dict_set_value (state, "wait_count", g_variant_new_uint64 (self->wait_count));
  sng_state_dict_set_value (state, "stopped_step", g_variant_new_uint64 (self->stopped_step));
  sng_monitor_set_state (state, self->monitor, self->mode);
  sng_state_dict_set_value (state, "patience", g_variant_new_uint32 (self->patience));
  sng_state_dict_set_double (state, "min_delta", self->min_delta);
  sng_state_dict_set_double (state, "stopping_threshold", self->stopping_threshold);
  sng_state_dict_set_value (state, "check_finite", g_variant_new_boolean (self->check_finite));

  return g_steal_pointer (&state);
}

typedef struct
{
  double best_score;
  guint64 wait_count;
  guint64 stopped_step;
} Progress;

static gboolean
read_state (SngEarlyStopping *self, SngStateDict *state, Progress *progress, GError **error)
{
  const char *const varying[] = { "best_score", "wait_count", "stopped_step", NULL };
  const char *place = "[early-stopping][restore]";
  g_autoptr (SngStateDict) own = sng_early_stopping_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "wait_count", &progress->wait_count, error)
      || !sng_settings_get_uint64 (state, place, "stopped_step", &progress->stopped_step, error))
    return FALSE;

  if (progress->wait_count > G_MAXUINT)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "%s wait_count: the checkpoint has %" G_GUINT64_FORMAT ", which is more than %u", place,
                   progress->wait_count, G_MAXUINT);
      return FALSE;
    }

  if (!sng_state_dict_get_double (state, "best_score", &progress->best_score, error))
    {
      g_prefix_error (error, "%s ", place);
      return FALSE;
    }

  return TRUE;
}

static gboolean
sng_early_stopping_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  Progress progress;

  return read_state (SNG_EARLY_STOPPING (stateful), state, &progress, error);
}

static gboolean
sng_early_stopping_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngEarlyStopping *self = SNG_EARLY_STOPPING (stateful);
  Progress progress;

  if (!read_state (self, state, &progress, error))
    return FALSE;

  self->best_score = progress.best_score;
  self->wait_count = (guint) progress.wait_count;
  self->stopped_step = progress.stopped_step;

  return TRUE;
}

static void
sng_early_stopping_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_early_stopping_get_state;
  iface->check_state = sng_early_stopping_check_state;
  iface->set_state = sng_early_stopping_set_state;
}

static void
sng_early_stopping_constructed (GObject *object)
{
  SngEarlyStopping *self = SNG_EARLY_STOPPING (object);

  G_OBJECT_CLASS (sng_early_stopping_parent_class)->constructed (object);

  /* anything is better */
  self->best_score = self->mode == SNG_MONITOR_MODE_MIN ? INFINITY : -INFINITY;
}

static void
sng_early_stopping_finalize (GObject *object)
{
  g_free (SNG_EARLY_STOPPING (object)->monitor);

  G_OBJECT_CLASS (sng_early_stopping_parent_class)->finalize (object);
}

static void
sng_early_stopping_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngEarlyStopping *self = SNG_EARLY_STOPPING (object);

  switch (prop_id)
    {
    case PROP_MONITOR:
      g_value_set_string (value, self->monitor);
      break;

    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;

    case PROP_PATIENCE:
      g_value_set_uint (value, self->patience);
      break;

    case PROP_MIN_DELTA:
      g_value_set_double (value, self->min_delta);
      break;

    case PROP_STOPPING_THRESHOLD:
      g_value_set_double (value, self->stopping_threshold);
      break;

    case PROP_CHECK_FINITE:
      g_value_set_boolean (value, self->check_finite);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_early_stopping_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngEarlyStopping *self = SNG_EARLY_STOPPING (object);

  switch (prop_id)
    {
    case PROP_MONITOR:
      self->monitor = g_value_dup_string (value);
      break;

    case PROP_MODE:
      self->mode = g_value_get_enum (value);
      break;

    case PROP_PATIENCE:
      self->patience = g_value_get_uint (value);
      break;

    case PROP_MIN_DELTA:
      self->min_delta = g_value_get_double (value);
      break;

    case PROP_STOPPING_THRESHOLD:
      self->stopping_threshold = g_value_get_double (value);
      break;

    case PROP_CHECK_FINITE:
      self->check_finite = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_early_stopping_class_init (SngEarlyStoppingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = sng_early_stopping_constructed;
  object_class->finalize = sng_early_stopping_finalize;
  object_class->get_property = sng_early_stopping_get_property;
  object_class->set_property = sng_early_stopping_set_property;

  /**
   * SngEarlyStopping:monitor: (getter get_monitor)
   *
   * What is monitored, by its name in [method@Sng.Trainer.get_monitored].
   *
   * Since: 1.0
   */
  properties[PROP_MONITOR] = g_param_spec_string ("monitor", NULL, NULL, "valid_loss", flags);

  /**
   * SngEarlyStopping:mode:
   *
   * Whether less or more is better.
   *
   * Since: 1.0
   */
  properties[PROP_MODE] =
      g_param_spec_enum ("mode", NULL, NULL, SNG_TYPE_MONITOR_MODE, SNG_MONITOR_MODE_MIN, flags);

  /**
   * SngEarlyStopping:patience:
   *
   * After how many validations in a row without improvement to stop.
   *
   * Since: 1.0
   */
  properties[PROP_PATIENCE] = g_param_spec_uint ("patience", NULL, NULL, 0, G_MAXUINT, 3, flags);

  /**
   * SngEarlyStopping:min-delta:
   *
   * By more than how much a value must be better than the best so far to count as an
   * improvement, in the unit of what is monitored.
   *
   * Since: 1.0
   */
  properties[PROP_MIN_DELTA] = g_param_spec_double ("min-delta", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngEarlyStopping:stopping-threshold:
   *
   * What a value must be better than to be good enough to stop. An infinite one
   * means that none is good enough.
   *
   * Since: 1.0
   */
  properties[PROP_STOPPING_THRESHOLD] =
      g_param_spec_double ("stopping-threshold", NULL, NULL, -INFINITY, INFINITY, INFINITY, flags);

  /**
   * SngEarlyStopping:check-finite:
   *
   * Whether a value that is infinite or no number stops.
   *
   * Since: 1.0
   */
  properties[PROP_CHECK_FINITE] = g_param_spec_boolean ("check-finite", NULL, NULL, TRUE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_early_stopping_init (SngEarlyStopping *self)
{
}

/**
 * sng_early_stopping_new:
 * @monitor: what is monitored, by its name in [method@Sng.Trainer.get_monitored]
 * @mode: whether less or more is better
 * @patience: after how many validations in a row without improvement to stop
 *
 * Creates an early stopping that takes any improvement for one. Other settings are
 * construct properties.
 *
 * Returns: (transfer full): a new early stopping
 *
 * Since: 1.0
 */
SngEarlyStopping *
sng_early_stopping_new (const char *monitor, SngMonitorMode mode, guint patience)
{
  g_return_val_if_fail (monitor != NULL, NULL);

  return g_object_new (SNG_TYPE_EARLY_STOPPING, "monitor", monitor, "mode", mode, "patience", patience, NULL);
}

/* Takes a new value in. Returns: whether it stops the training. */
static gboolean
evaluate (SngEarlyStopping *self, double value)
{
  double delta = self->mode == SNG_MONITOR_MODE_MIN ? self->min_delta : -self->min_delta;

  if (self->check_finite && !isfinite (value))
    return TRUE;

  if (isfinite (self->stopping_threshold)
      && sng_monitor_is_better (self->mode, value, self->stopping_threshold))
    return TRUE;

  if (sng_monitor_is_better (self->mode, value + delta, self->best_score))
    {
      self->best_score = value;
      self->wait_count = 0;
      return FALSE;
    }

  self->wait_count++;

  return self->wait_count >= self->patience;
}

/**
 * sng_early_stopping_check:
 * @self: an early stopping
 * @step: the global step of the validation, from 1
 * @value: what is monitored
 *
 * Takes the outcome of a validation in. A trainer does so after each one; who drives a
 * loop of their own calls it there. Once it has stopped nothing changes any more.
 *
 * Returns: whether the training is to end
 *
 * Since: 1.0
 */
gboolean
sng_early_stopping_check (SngEarlyStopping *self, guint64 step, double value)
{
  g_return_val_if_fail (SNG_IS_EARLY_STOPPING (self), FALSE);
  g_return_val_if_fail (step > 0, FALSE);

  if (self->stopped_step == 0 && evaluate (self, value))
    self->stopped_step = step;

  return self->stopped_step != 0;
}

/**
 * sng_early_stopping_get_monitor: (get-property monitor)
 * @self: an early stopping
 *
 * Gets what is monitored.
 *
 * Returns: (transfer none): its name
 *
 * Since: 1.0
 */
const char *
sng_early_stopping_get_monitor (SngEarlyStopping *self)
{
  g_return_val_if_fail (SNG_IS_EARLY_STOPPING (self), NULL);

  return self->monitor;
}

/**
 * sng_early_stopping_get_best_score:
 * @self: an early stopping
 *
 * Gets the best value so far.
 *
 * Returns: the value; infinity, or minus infinity where more is better, before the first
 *
 * Since: 1.0
 */
double
sng_early_stopping_get_best_score (SngEarlyStopping *self)
{
  g_return_val_if_fail (SNG_IS_EARLY_STOPPING (self), 0.0);

  return self->best_score;
}

/**
 * sng_early_stopping_get_wait_count:
 * @self: an early stopping
 *
 * Gets how many validations there were since the last improvement.
 *
 * Returns: the number of validations
 *
 * Since: 1.0
 */
guint
sng_early_stopping_get_wait_count (SngEarlyStopping *self)
{
  g_return_val_if_fail (SNG_IS_EARLY_STOPPING (self), 0);

  return self->wait_count;
}

/**
 * sng_early_stopping_get_stopped_step:
 * @self: an early stopping
 *
 * Gets the step at which it has stopped the training.
 *
 * Returns: the global step; 0 where it has not
 *
 * Since: 1.0
 */
guint64
sng_early_stopping_get_stopped_step (SngEarlyStopping *self)
{
  g_return_val_if_fail (SNG_IS_EARLY_STOPPING (self), 0);

  return self->stopped_step;
}
