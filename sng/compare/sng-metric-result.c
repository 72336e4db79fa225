/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-metric-result-private.h"

#include "sng-enum-types.h"

/**
 * SngMetricResult:
 *
 * What a comparison found out about one metric: a line of a [class@Sng.Report].
 *
 * Since: 1.0
 */
struct _SngMetricResult
{
  GObject parent_instance;

  char *name;
  SngVerdict verdict;
  guint64 compared;
  guint64 n_different;
  SngDivergence *first_divergence;
  char *reason;
  GArray *steps;
};

G_DEFINE_FINAL_TYPE (SngMetricResult, sng_metric_result, G_TYPE_OBJECT)

typedef enum
{
  PROP_NAME = 1,
  PROP_VERDICT,
  PROP_COMPARED,
  PROP_N_DIFFERENT,
  PROP_FIRST_DIVERGENCE,
  PROP_REASON,
  N_PROPS
} SngMetricResultProperty;

static GParamSpec *properties[N_PROPS];

static void
sng_metric_result_finalize (GObject *object)
{
  SngMetricResult *self = SNG_METRIC_RESULT (object);

  g_free (self->name);
  g_clear_object (&self->first_divergence);
  g_free (self->reason);
  g_clear_pointer (&self->steps, g_array_unref);

  G_OBJECT_CLASS (sng_metric_result_parent_class)->finalize (object);
}

static void
sng_metric_result_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  SngMetricResult *self = SNG_METRIC_RESULT (object);

  switch ((SngMetricResultProperty) property_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_VERDICT:
      g_value_set_enum (value, self->verdict);
      break;
    case PROP_COMPARED:
      g_value_set_uint64 (value, self->compared);
      break;
    case PROP_N_DIFFERENT:
      g_value_set_uint64 (value, self->n_different);
      break;
    case PROP_FIRST_DIVERGENCE:
      g_value_set_object (value, self->first_divergence);
      break;
    case PROP_REASON:
      g_value_set_string (value, self->reason);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
sng_metric_result_class_init (SngMetricResultClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sng_metric_result_finalize;
  object_class->get_property = sng_metric_result_get_property;

  /**
   * SngMetricResult:name: (getter get_name)
   *
   * The name of the metric.
   *
   * Since: 1.0
   */
  properties[PROP_NAME] =
      g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngMetricResult:verdict: (getter get_verdict)
   *
   * The verdict on the metric.
   *
   * Since: 1.0
   */
  properties[PROP_VERDICT] =
      g_param_spec_enum ("verdict", NULL, NULL, SNG_TYPE_VERDICT, SNG_VERDICT_INCONCLUSIVE,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngMetricResult:compared: (getter get_compared)
   *
   * How many entries were compared.
   *
   * Since: 1.0
   */
  properties[PROP_COMPARED] = g_param_spec_uint64 ("compared", NULL, NULL, 0, G_MAXUINT64, 0,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngMetricResult:n-different: (getter get_n_different)
   *
   * How many entries differ, those that one side lacks included.
   *
   * Since: 1.0
   */
  properties[PROP_N_DIFFERENT] = g_param_spec_uint64 ("n-different", NULL, NULL, 0, G_MAXUINT64, 0,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngMetricResult:first-divergence: (getter get_first_divergence)
   *
   * Where the metric differs first.
   *
   * Since: 1.0
   */
  properties[PROP_FIRST_DIVERGENCE] = g_param_spec_object (
      "first-divergence", NULL, NULL, SNG_TYPE_DIVERGENCE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngMetricResult:reason: (getter get_reason)
   *
   * Why the verdict is inconclusive.
   *
   * Since: 1.0
   */
  properties[PROP_REASON] =
      g_param_spec_string ("reason", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_metric_result_init (SngMetricResult *self)
{
  self->steps = g_array_new (FALSE, FALSE, sizeof (SngMetricStep));
}

SngMetricResult *
sng_metric_result_new (const char *name,
                       SngVerdict verdict,
                       guint64 compared,
                       guint64 n_different,
                       SngDivergence *first_divergence,
                       const char *reason)
{
  SngMetricResult *self = g_object_new (SNG_TYPE_METRIC_RESULT, NULL);

  self->name = g_strdup (name);
  self->verdict = verdict;
  self->compared = compared;
  self->n_different = n_different;
  g_set_object (&self->first_divergence, first_divergence);
  self->reason = g_strdup (reason);

  return self;
}

void
sng_metric_result_set_steps (SngMetricResult *self, GArray *steps)
{
  g_array_unref (self->steps);
  self->steps = g_array_ref (steps);
}

GArray *
sng_metric_result_get_steps (SngMetricResult *self)
{
  return self->steps;
}

/**
 * sng_metric_result_get_name: (get-property name)
 * @self: a metric's result
 *
 * Gets the name of the metric.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_metric_result_get_name (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), NULL);

  return self->name;
}

/**
 * sng_metric_result_get_verdict: (get-property verdict)
 * @self: a metric's result
 *
 * Gets the verdict on the metric.
 *
 * Returns: the verdict
 *
 * Since: 1.0
 */
SngVerdict
sng_metric_result_get_verdict (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), SNG_VERDICT_INCONCLUSIVE);

  return self->verdict;
}

/**
 * sng_metric_result_get_compared: (get-property compared)
 * @self: a metric's result
 *
 * Gets how many entries were compared.
 *
 * Returns: the number of entries of the interrupted runs that have a
 *   counterpart in the continuous one
 *
 * Since: 1.0
 */
guint64
sng_metric_result_get_compared (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), 0);

  return self->compared;
}

/**
 * sng_metric_result_get_n_different: (get-property n-different)
 * @self: a metric's result
 *
 * Gets how many entries differ, those that one side lacks included.
 *
 * Returns: the number of entries
 *
 * Since: 1.0
 */
guint64
sng_metric_result_get_n_different (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), 0);

  return self->n_different;
}

/**
 * sng_metric_result_get_first_divergence: (get-property first-divergence)
 * @self: a metric's result
 *
 * Gets where the metric differs first.
 *
 * Returns: (transfer none) (nullable): the divergence, or %NULL when there
 *   is none
 *
 * Since: 1.0
 */
SngDivergence *
sng_metric_result_get_first_divergence (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), NULL);

  return self->first_divergence;
}

/**
 * sng_metric_result_get_reason: (get-property reason)
 * @self: a metric's result
 *
 * Gets why the verdict is inconclusive.
 *
 * Returns: (transfer none) (nullable): a string in one line, or %NULL for another
 *   verdict
 *
 * Since: 1.0
 */
const char *
sng_metric_result_get_reason (SngMetricResult *self)
{
  g_return_val_if_fail (SNG_IS_METRIC_RESULT (self), NULL);

  return self->reason;
}
