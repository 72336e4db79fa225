/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-divergence-private.h"

#include "sng-enum-types.h"

/**
 * SngDivergence:
 *
 * Where two runs differ, and how.
 *
 * The place is that of an entry: metric, stage, step, micro-batch, rank and path; the
 * mode says which run differs from the continuous one.
 *
 * A divergence belongs to a [class@Sng.Report] and never changes.
 *
 * Since: 1.0
 */
struct _SngDivergence
{
  GObject parent_instance;

  SngMode mode;
  SngStage stage;
  guint64 step;
  gint64 micro_batch;
  guint rank;
  guint64 order;
  char *metric;
  char *path;
  char *expected;
  char *actual;
  char *detail;
};

G_DEFINE_FINAL_TYPE (SngDivergence, sng_divergence, G_TYPE_OBJECT)

typedef enum
{
  PROP_METRIC = 1,
  PROP_STAGE,
  PROP_STEP,
  PROP_MICRO_BATCH,
  PROP_RANK,
  PROP_PATH,
  PROP_MODE,
  PROP_EXPECTED,
  PROP_ACTUAL,
  PROP_DETAIL,
  N_PROPS
} SngDivergenceProperty;

static GParamSpec *properties[N_PROPS];

static void
sng_divergence_finalize (GObject *object)
{
  SngDivergence *self = SNG_DIVERGENCE (object);

  g_free (self->metric);
  g_free (self->path);
  g_free (self->expected);
  g_free (self->actual);
  g_free (self->detail);

  G_OBJECT_CLASS (sng_divergence_parent_class)->finalize (object);
}

static void
sng_divergence_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  SngDivergence *self = SNG_DIVERGENCE (object);

  switch ((SngDivergenceProperty) property_id)
    {
    case PROP_METRIC:
      g_value_set_string (value, self->metric);
      break;
    case PROP_STAGE:
      g_value_set_enum (value, self->stage);
      break;
    case PROP_STEP:
      g_value_set_uint64 (value, self->step);
      break;
    case PROP_MICRO_BATCH:
      g_value_set_int64 (value, self->micro_batch);
      break;
    case PROP_RANK:
      g_value_set_uint (value, self->rank);
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;
    case PROP_EXPECTED:
      g_value_set_string (value, self->expected);
      break;
    case PROP_ACTUAL:
      g_value_set_string (value, self->actual);
      break;
    case PROP_DETAIL:
      g_value_set_string (value, self->detail);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
sng_divergence_class_init (SngDivergenceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sng_divergence_finalize;
  object_class->get_property = sng_divergence_get_property;

  /**
   * SngDivergence:metric: (getter get_metric)
   *
   * The name of the metric.
   *
   * Since: 1.0
   */
  properties[PROP_METRIC] =
      g_param_spec_string ("metric", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:stage: (getter get_stage)
   *
   * The stage that the entry belongs to.
   *
   * Since: 1.0
   */
  properties[PROP_STAGE] = g_param_spec_enum ("stage", NULL, NULL, SNG_TYPE_STAGE, SNG_STAGE_TRAIN,
                                              G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:step: (getter get_step)
   *
   * The global step that the entry belongs to.
   *
   * Since: 1.0
   */
  properties[PROP_STEP] =
      g_param_spec_uint64 ("step", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:micro-batch: (getter get_micro_batch)
   *
   * The micro-batch within the step or the validation; -1 for none.
   *
   * Since: 1.0
   */
  properties[PROP_MICRO_BATCH] = g_param_spec_int64 ("micro-batch", NULL, NULL, -1, G_MAXINT64, -1,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:rank: (getter get_rank)
   *
   * The rank of the process that recorded the entry.
   *
   * Since: 1.0
   */
  properties[PROP_RANK] =
      g_param_spec_uint ("rank", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:path: (getter get_path)
   *
   * What tells the entry apart from others of its metric, such as the name of a
   * parameter.
   *
   * Since: 1.0
   */
  properties[PROP_PATH] =
      g_param_spec_string ("path", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:mode: (getter get_mode)
   *
   * The run that differs from the continuous one.
   *
   * Since: 1.0
   */
  properties[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, SNG_TYPE_MODE, SNG_MODE_RESUME,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:expected: (getter get_expected)
   *
   * What the continuous run recorded, for people to read.
   *
   * Since: 1.0
   */
  properties[PROP_EXPECTED] =
      g_param_spec_string ("expected", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:actual: (getter get_actual)
   *
   * What the other run recorded, for people to read.
   *
   * Since: 1.0
   */
  properties[PROP_ACTUAL] =
      g_param_spec_string ("actual", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngDivergence:detail: (getter get_detail)
   *
   * How the two differ, for people to read.
   *
   * Since: 1.0
   */
  properties[PROP_DETAIL] =
      g_param_spec_string ("detail", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_divergence_init (SngDivergence *self)
{
}

SngDivergence *
sng_divergence_new (SngMode mode,
                    const char *metric,
                    SngStage stage,
                    guint64 step,
                    gint64 micro_batch,
                    guint rank,
                    const char *path,
                    guint64 order,
                    const char *expected,
                    const char *actual,
                    const char *detail)
{
  SngDivergence *self = g_object_new (SNG_TYPE_DIVERGENCE, NULL);

  self->mode = mode;
  self->metric = g_strdup (metric);
  self->stage = stage;
  self->step = step;
  self->micro_batch = micro_batch;
  self->rank = rank;
  self->path = g_strdup (path);
  self->order = order;
  self->expected = g_strdup (expected);
  self->actual = g_strdup (actual);
  self->detail = g_strdup (detail);

  return self;
}

int
sng_divergence_compare (SngDivergence *a, SngDivergence *b)
{
  if (a->step != b->step)
    return a->step < b->step ? -1 : 1;

  return a->order < b->order ? -1 : a->order > b->order;
}

/**
 * sng_divergence_get_metric: (get-property metric)
 * @self: a divergence
 *
 * Gets the name of the metric.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_divergence_get_metric (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  return self->metric;
}

/**
 * sng_divergence_get_stage: (get-property stage)
 * @self: a divergence
 *
 * Gets the stage that the entry belongs to.
 *
 * Returns: the stage
 *
 * Since: 1.0
 */
SngStage
sng_divergence_get_stage (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), SNG_STAGE_TRAIN);

  return self->stage;
}

/**
 * sng_divergence_get_step: (get-property step)
 * @self: a divergence
 *
 * Gets the global step that the entry belongs to.
 *
 * Returns: the step
 *
 * Since: 1.0
 */
guint64
sng_divergence_get_step (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), 0);

  return self->step;
}

/**
 * sng_divergence_get_micro_batch: (get-property micro-batch)
 * @self: a divergence
 *
 * Gets the micro-batch within the step or the validation.
 *
 * Returns: the index, or -1 for an entry that belongs to no micro-batch
 *
 * Since: 1.0
 */
gint64
sng_divergence_get_micro_batch (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), -1);

  return self->micro_batch;
}

/**
 * sng_divergence_get_rank: (get-property rank)
 * @self: a divergence
 *
 * Gets the rank of the process that recorded the entry.
 *
 * Returns: the rank, from 0
 *
 * Since: 1.0
 */
guint
sng_divergence_get_rank (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), 0);

  return self->rank;
}

/**
 * sng_divergence_get_path: (get-property path)
 * @self: a divergence
 *
 * Gets what tells the entry apart from others of its metric.
 *
 * Returns: (transfer none): the path, which may be empty
 *
 * Since: 1.0
 */
const char *
sng_divergence_get_path (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  return self->path;
}

/**
 * sng_divergence_get_mode: (get-property mode)
 * @self: a divergence
 *
 * Gets which run differs from the continuous one.
 *
 * Returns: the mode of that run
 *
 * Since: 1.0
 */
SngMode
sng_divergence_get_mode (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), SNG_MODE_RESUME);

  return self->mode;
}

/**
 * sng_divergence_get_expected: (get-property expected)
 * @self: a divergence
 *
 * Gets what the continuous run recorded.
 *
 * Returns: (transfer none): a string in one line, `(not recorded)` for
 *   nothing
 *
 * Since: 1.0
 */
const char *
sng_divergence_get_expected (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  return self->expected;
}

/**
 * sng_divergence_get_actual: (get-property actual)
 * @self: a divergence
 *
 * Gets what the other run recorded.
 *
 * Returns: (transfer none): a string in one line, `(not recorded)` for
 *   nothing
 *
 * Since: 1.0
 */
const char *
sng_divergence_get_actual (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  return self->actual;
}

/**
 * sng_divergence_get_detail: (get-property detail)
 * @self: a divergence
 *
 * Gets how the two differ.
 *
 * Returns: (transfer none): a string in one line, which may be empty
 *
 * Since: 1.0
 */
const char *
sng_divergence_get_detail (SngDivergence *self)
{
  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  return self->detail;
}

/**
 * sng_divergence_dup_place:
 * @self: a divergence
 *
 * Describes where in a run it is, without the run's name.
 *
 * Returns: (transfer full): a string such as `step 6, train, micro-batch 0, "logits"`
 *
 * Since: 1.0
 */
char *
sng_divergence_dup_place (SngDivergence *self)
{
  g_autoptr (GString) string = g_string_new (NULL);

  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  g_string_append_printf (string, "step %" G_GUINT64_FORMAT ", %s", self->step,
                          sng_stage_to_string (self->stage));
  if (self->micro_batch >= 0)
    g_string_append_printf (string, ", micro-batch %" G_GINT64_FORMAT, self->micro_batch);
  if (self->rank > 0)
    g_string_append_printf (string, ", rank %u", self->rank);
  if (*self->path != '\0')
    g_string_append_printf (string, ", \"%s\"", self->path);

  return g_strdup (string->str);
}

/**
 * sng_divergence_to_string:
 * @self: a divergence
 *
 * Describes the divergence in one line.
 *
 * Returns: (transfer full): a string such as `LearningRate at step 6, train (resume):
 *   expected 8e-05 (0x3f14f8b588e368f1), found 9e-05 (0x3f17979cb4b2b1ba)`
 *
 * Since: 1.0
 */
char *
sng_divergence_to_string (SngDivergence *self)
{
  g_autofree char *place = NULL;

  g_return_val_if_fail (SNG_IS_DIVERGENCE (self), NULL);

  place = sng_divergence_dup_place (self);

  return g_strdup_printf ("%s at %s (%s): expected %s, found %s%s%s", self->metric, place,
                          sng_mode_to_string (self->mode), self->expected, self->actual,
                          *self->detail != '\0' ? "; " : "", self->detail);
}
