/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-grad-scaler.h"

#include <float.h>
#include <math.h>

#include "sng-error.h"
#include "train/sng-settings-private.h"

/**
 * SngGradScaler:
 *
 * The loss scale of a training in %SNG_PRECISION_16_MIXED, which adapts itself.
 *
 * Many gradients are too small for binary16. So the backward pass computes those
 * of the loss times a scale, and they are divided by it before anything else is
 * done with them. Where the scale is too large, some of them are infinite or not a
 * number; then the step is skipped and the scale falls by
 * [property@Sng.GradScaler:backoff-factor]. After
 * [property@Sng.GradScaler:growth-interval] successful steps in a row it grows by
 * [property@Sng.GradScaler:growth-factor].
 *
 * [class@Sng.Trainer] makes one of its own where it needs one. To choose the
 * numbers, give it yours:
 *
 * ```c
 * g_autoptr (SngGradScaler) scaler =
 *     g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", 1024.0, "growth-interval", G_GUINT64_CONSTANT (100), NULL);
 *
 * g_object_set (trainer, "precision", SNG_PRECISION_16_MIXED, "grad-scaler", scaler, NULL);
 * ```
 *
 * The rule is that of Micikevicius and others (*Mixed precision training*, 2018),
 * and the numbers are, to the bit, those of `torch.amp.GradScaler`: the scale is a
 * binary32. It never grows beyond what binary32 holds. It never falls below
 * 2^-24, the smallest number of binary16: scaled by less, the gradient
 * of a loss has nothing left, so no step could succeed.
 *
 * The state is `scale`, `growth_tracker` (the successful steps since the scale
 * last changed) and `n_skipped` (how many steps were skipped in all), and the
 * settings `growth_factor`, `backoff_factor` and `growth_interval`.
 *
 * Since: 1.0
 */

#define MINIMUM_SCALE 0x1p-24

struct _SngGradScaler
{
  GObject parent_instance;

  double initial_scale;
  double growth_factor;
  double backoff_factor;
  guint64 growth_interval;

  double scale;
  guint64 growth_tracker;
  guint64 n_skipped;
};

static void sng_grad_scaler_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngGradScaler,
                               sng_grad_scaler,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_grad_scaler_stateful_init))

enum
{
  PROP_0,
  PROP_INITIAL_SCALE,
  PROP_GROWTH_FACTOR,
  PROP_BACKOFF_FACTOR,
  PROP_GROWTH_INTERVAL,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static SngStateDict *
sng_grad_scaler_get_state (SngStateful *stateful, GError **error)
{
  SngGradScaler *self = SNG_GRAD_SCALER (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_double (state, "scale", self->scale);
  sng_state_dict_set_value (state, "growth_tracker", g_variant_new_uint64 (self->growth_tracker));
  sng_state_dict_set_value (state, "n_skipped", g_variant_new_uint64 (self->n_skipped));
  sng_state_dict_set_double (state, "growth_factor", self->growth_factor);
  sng_state_dict_set_double (state, "backoff_factor", self->backoff_factor);
  sng_state_dict_set_value (state, "growth_interval", g_variant_new_uint64 (self->growth_interval));

  return g_steal_pointer (&state);
}

static gboolean
read_scale (SngStateDict *state, const char *place, double *scale, GError **error)
{
  if (!sng_state_dict_get_double (state, "scale", scale, error))
    {
      g_prefix_error (error, "%s ", place);
      return FALSE;
    }

  if (*scale >= MINIMUM_SCALE && *scale <= FLT_MAX && *scale == (double) (float) *scale)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
               "%s scale: the checkpoint has %.17g, expected is a binary32 from 2^-24", place, *scale);

  return FALSE;
}

/* Into @values, whose settings are left alone. */
static gboolean
read_state (SngGradScaler *self, SngStateDict *state, SngGradScaler *values, GError **error)
{
  const char *const varying[] = { "scale", "growth_tracker", "n_skipped", NULL };
  const char *place = "[grad-scaler][restore]";
  g_autoptr (SngStateDict) own = sng_grad_scaler_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, varying, error)
      || !read_scale (state, place, &values->scale, error)
      || !sng_settings_get_uint64 (state, place, "growth_tracker", &values->growth_tracker, error)
      || !sng_settings_get_uint64 (state, place, "n_skipped", &values->n_skipped, error))
    return FALSE;

  if (values->growth_tracker >= self->growth_interval)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "%s growth_tracker: the checkpoint has %" G_GUINT64_FORMAT
                   ", this run has a growth-interval of %" G_GUINT64_FORMAT,
                   place, values->growth_tracker, self->growth_interval);
      return FALSE;
    }

  return TRUE;
}

static gboolean
sng_grad_scaler_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngGradScaler values = { 0 };

  return read_state (SNG_GRAD_SCALER (stateful), state, &values, error);
}

static gboolean
sng_grad_scaler_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngGradScaler *self = SNG_GRAD_SCALER (stateful);
  SngGradScaler values = { 0 };

  if (!read_state (self, state, &values, error))
    return FALSE;

  self->scale = values.scale;
  self->growth_tracker = values.growth_tracker;
  self->n_skipped = values.n_skipped;

  return TRUE;
}

static void
sng_grad_scaler_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_grad_scaler_get_state;
  iface->check_state = sng_grad_scaler_check_state;
  iface->set_state = sng_grad_scaler_set_state;
}

static void
sng_grad_scaler_constructed (GObject *object)
{
  SngGradScaler *self = SNG_GRAD_SCALER (object);

  G_OBJECT_CLASS (sng_grad_scaler_parent_class)->constructed (object);

  self->scale = (float) self->initial_scale;
}

static void
sng_grad_scaler_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngGradScaler *self = SNG_GRAD_SCALER (object);

  switch (prop_id)
    {
    case PROP_INITIAL_SCALE:
      g_value_set_double (value, self->initial_scale);
      break;

    case PROP_GROWTH_FACTOR:
      g_value_set_double (value, self->growth_factor);
      break;

    case PROP_BACKOFF_FACTOR:
      g_value_set_double (value, self->backoff_factor);
      break;

    case PROP_GROWTH_INTERVAL:
      g_value_set_uint64 (value, self->growth_interval);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_grad_scaler_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngGradScaler *self = SNG_GRAD_SCALER (object);

  switch (prop_id)
    {
    case PROP_INITIAL_SCALE:
      self->initial_scale = g_value_get_double (value);
      break;

    case PROP_GROWTH_FACTOR:
      self->growth_factor = g_value_get_double (value);
      break;

    case PROP_BACKOFF_FACTOR:
      self->backoff_factor = g_value_get_double (value);
      break;

    case PROP_GROWTH_INTERVAL:
      self->growth_interval = g_value_get_uint64 (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_grad_scaler_class_init (SngGradScalerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = sng_grad_scaler_constructed;
  object_class->get_property = sng_grad_scaler_get_property;
  object_class->set_property = sng_grad_scaler_set_property;

  /**
   * SngGradScaler:initial-scale:
   *
   * The scale of the first step, rounded to a binary32; from 2^-24.
   *
   * Since: 1.0
   */
  properties[PROP_INITIAL_SCALE] =
      g_param_spec_double ("initial-scale", NULL, NULL, MINIMUM_SCALE, FLT_MAX, 65536.0, flags);

  /**
   * SngGradScaler:growth-factor:
   *
   * What the scale is multiplied by when it grows; above 1.
   *
   * Since: 1.0
   */
  properties[PROP_GROWTH_FACTOR] =
      g_param_spec_double ("growth-factor", NULL, NULL, 1.0 + DBL_EPSILON, FLT_MAX, 2.0, flags);

  /**
   * SngGradScaler:backoff-factor:
   *
   * What the scale is multiplied by when a step is skipped; above 0 and below 1.
   *
   * Since: 1.0
   */
  properties[PROP_BACKOFF_FACTOR] =
      g_param_spec_double ("backoff-factor", NULL, NULL, DBL_MIN, 1.0 - DBL_EPSILON, 0.5, flags);

  /**
   * SngGradScaler:growth-interval:
   *
   * After how many successful steps in a row the scale grows.
   *
   * Since: 1.0
   */
  properties[PROP_GROWTH_INTERVAL] =
      g_param_spec_uint64 ("growth-interval", NULL, NULL, 1, G_MAXUINT64, 2000, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_grad_scaler_init (SngGradScaler *self)
{
}

/**
 * sng_grad_scaler_new:
 *
 * Creates a scaler with the default settings.
 *
 * Returns: (transfer full): a new scaler
 *
 * Since: 1.0
 */
SngGradScaler *
sng_grad_scaler_new (void)
{
  return g_object_new (SNG_TYPE_GRAD_SCALER, NULL);
}

static gboolean
back_off (SngGradScaler *self, GError **error)
{
  float lower = (float) (self->scale * self->backoff_factor);

  if (lower < MINIMUM_SCALE)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE,
                   "[grad-scaler] the scale is %g and cannot fall below 2^-24", self->scale);
      return FALSE;
    }

  self->scale = lower;
  self->growth_tracker = 0;
  self->n_skipped++;

  return TRUE;
}

/**
 * sng_grad_scaler_update:
 * @self: a scaler
 * @found_non_finite: whether a gradient was infinite or not a number, so that the
 *   step was skipped
 * @error: return location for a #GError
 *
 * Sets the scale of the next step by what became of this one. [class@Sng.Trainer]
 * calls it; a training loop of another kind does so once a step.
 *
 * Where the scale would fall below 2^-24 the error is %SNG_ERROR_NON_FINITE, and
 * nothing has changed.
 *
 * Returns: whether the training can go on; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_grad_scaler_update (SngGradScaler *self, gboolean found_non_finite, GError **error)
{
  float higher;

  g_return_val_if_fail (SNG_IS_GRAD_SCALER (self), FALSE);

  if (found_non_finite)
    return back_off (self, error);

  if (++self->growth_tracker < self->growth_interval)
    return TRUE;

  higher = (float) (self->scale * self->growth_factor);
  self->growth_tracker = 0;

  if (isfinite (higher))
    self->scale = higher;

  return TRUE;
}

/**
 * sng_grad_scaler_get_scale:
 * @self: a scaler
 *
 * Gets the scale of the next step.
 *
 * Returns: the scale, a finite value from 2^-24 that a binary32 holds
 *
 * Since: 1.0
 */
double
sng_grad_scaler_get_scale (SngGradScaler *self)
{
  g_return_val_if_fail (SNG_IS_GRAD_SCALER (self), 1.0);

  return self->scale;
}

/**
 * sng_grad_scaler_get_growth_tracker:
 * @self: a scaler
 *
 * Gets how many steps have succeeded since the scale grew or a step was skipped.
 *
 * Returns: the number of steps, below [property@Sng.GradScaler:growth-interval]
 *
 * Since: 1.0
 */
guint64
sng_grad_scaler_get_growth_tracker (SngGradScaler *self)
{
  g_return_val_if_fail (SNG_IS_GRAD_SCALER (self), 0);

  return self->growth_tracker;
}

/**
 * sng_grad_scaler_get_n_skipped:
 * @self: a scaler
 *
 * Gets how many steps were skipped in all, over all resumes.
 *
 * Returns: the number of skipped steps
 *
 * Since: 1.0
 */
guint64
sng_grad_scaler_get_n_skipped (SngGradScaler *self)
{
  g_return_val_if_fail (SNG_IS_GRAD_SCALER (self), 0);

  return self->n_skipped;
}
