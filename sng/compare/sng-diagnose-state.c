/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The state right after the restore: what was done to it? */

#include "compare/sng-diagnose-private.h"

#include <string.h>

#include "record/sng-number-private.h"

/* Says what was done to the entries that differ, or NULL. */
typedef char *(*Explain) (const SngFacts *facts, const SngStateDiff *diff, const char *what);

typedef struct
{
  const char *metric;
  SngCause cause;
  const char *what;
} StateKind;

static const StateKind kinds[] = {
  { METRIC_GLOBAL_STEP, SNG_CAUSE_COUNTERS, "the global step" },
  { "ConsumedSamples", SNG_CAUSE_COUNTERS, "the number of consumed samples" },
  { "InitConsumedSamples", SNG_CAUSE_COUNTERS, "the number of consumed samples" },
  { METRIC_SCHEDULER, SNG_CAUSE_SCHEDULE, "the schedule" },
  { METRIC_LEARNING_RATE, SNG_CAUSE_SCHEDULE, "the learning rate" },
  { "GradScalerState", SNG_CAUSE_SCALER, "the loss scale" },
  { METRIC_RNG, SNG_CAUSE_RNG, "the state of the random numbers" },
  { METRIC_OPTIMIZER, SNG_CAUSE_OPTIMIZER, "the optimizer's state" },
  { METRIC_WEIGHTS, SNG_CAUSE_WEIGHTS, "the weights" },
  { METRIC_AVERAGE, SNG_CAUSE_AVERAGES, "the moving average" },
};

static const StateKind *
lookup_kind (const char *metric)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].metric, metric))
      return &kinds[i];

  return NULL;
}

static gboolean
is_tensor (const SngMetadata *entry)
{
  return entry != NULL && entry->value == NULL;
}

/* The tensors that @run recorded for the metric at the step. */
static GPtrArray *
list_tensors (const SngFacts *facts, const char *metric, guint64 step)
{
  GPtrArray *entries = sng_facts_query (facts->run, metric, SNG_STAGE_TRAIN, step);

  for (guint i = entries->len; i > 0; i--)
    if (!is_tensor (g_ptr_array_index (entries, i - 1)))
      g_ptr_array_remove_index (entries, i - 1);

  return entries;
}

/* ---- Where the run begins ---- */

SngDiagnosis *
sng_rule_start (const SngFacts *facts)
{
  SngMetricResult *result = sng_report_lookup_metric (facts->report, METRIC_GLOBAL_STEP);
  SngDivergence *divergence = sng_facts_has_diverged (facts, METRIC_GLOBAL_STEP)
                                  ? sng_metric_result_get_first_divergence (result)
                                  : NULL;
  guint64 expected = divergence != NULL ? sng_divergence_get_step (divergence) : facts->start;
  g_autoptr (GPtrArray) weights = NULL;

  if (expected == facts->start || sng_divergence_get_mode (divergence) != SNG_MODE_RESUME)
    return NULL;

  weights = list_tensors (facts, METRIC_WEIGHTS, facts->start);
  if (sng_facts_has_all (facts->continuous, weights, expected))
    return sng_diagnosis_new (
        SNG_CAUSE_COUNTERS,
        "the global step is %" G_GUINT64_FORMAT
        " right after the restore, but the weights are CONTINUOUS's of step %" G_GUINT64_FORMAT
        ": the count is wrong",
        facts->start, expected);

  if (!sng_facts_has_all (facts->continuous, weights, facts->start))
    return NULL;

  if (facts->start == sng_facts_get_origin (facts))
    return sng_diagnosis_new (
        SNG_CAUSE_CHECKPOINT,
        "the global step is %" G_GUINT64_FORMAT " after the restore: nothing was loaded", facts->start);

  return sng_diagnosis_new (SNG_CAUSE_CHECKPOINT,
                            "the checkpoint of step %" G_GUINT64_FORMAT
                            " was restored in place of that of step %" G_GUINT64_FORMAT,
                            facts->start, expected);
}

/* ---- Parts of another checkpoint ---- */

/* The step whose tensors the metric has right after the restore, all of them, where some differ. */
static gboolean
find_whole_step (const SngFacts *facts, const char *metric, guint64 *step)
{
  g_auto (SngStateDiff) diff = { NULL };
  g_autoptr (GPtrArray) tensors = list_tensors (facts, metric, facts->start);
  gboolean has_tensors = FALSE;

  sng_facts_diff_state (facts, metric, facts->start, &diff);

  /* one that differs comes first, since it is looked up */
  for (guint i = 0; i < diff.found->len && !has_tensors; i++)
    if (is_tensor (g_ptr_array_index (diff.found, i)))
      {
        g_ptr_array_insert (tensors, 0, sng_metadata_ref (g_ptr_array_index (diff.found, i)));
        has_tensors = TRUE;
      }

  return has_tensors && sng_facts_find_step (facts, tensors, facts->start, step);
}

SngDiagnosis *
sng_rule_checkpoint (const SngFacts *facts)
{
  const char *metric = sng_divergence_get_metric (facts->first);
  g_auto (SngStateDiff) diff = { NULL };
  guint64 step;

  if (sng_divergence_get_step (facts->first) != facts->start
      || !find_whole_step (facts, METRIC_WEIGHTS, &step) || step == sng_facts_get_origin (facts))
    return NULL;

  /* what differs before the weights is of the same step, or it is another matter */
  sng_facts_diff_state (facts, metric, facts->start, &diff);
  if (!sng_facts_has_all (facts->continuous, diff.found, step))
    return NULL;

  return sng_diagnosis_new (
      SNG_CAUSE_CHECKPOINT,
      "the weights right after the restore equal CONTINUOUS's at step %" G_GUINT64_FORMAT
      ": %s checkpoint was restored",
      step, step < facts->start ? "an older" : "a newer");
}

/* ---- What was done to a state ---- */

static char *
explain_missing (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  for (guint i = 0; i < diff->found->len; i++)
    {
      SngMetadata *found = g_ptr_array_index (diff->found, i);
      SngMetadata *expected = g_ptr_array_index (diff->expected, i);

      if (found == NULL)
        return g_strdup_printf ("\"%s\" of %s is not there right after the restore", expected->path, what);
      if (expected == NULL)
        return g_strdup_printf ("\"%s\" of %s is there right after the restore, and not in CONTINUOUS",
                                found->path, what);
    }

  return NULL;
}

static gboolean
is_zero (const SngMetadata *entry)
{
  return is_tensor (entry) && entry->minimum == 0.0 && entry->maximum == 0.0 && entry->n_non_finite == 0;
}

/* What comes after the last dot: of an optimizer the name of the buffer. */
static const char *
get_suffix (const SngMetadata *entry)
{
  const char *dot = strrchr (entry->path, '.');

  return dot != NULL ? dot + 1 : entry->path;
}

static char *
explain_zero (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  g_autoptr (GPtrArray) all = NULL;
  const SngMetadata *first = NULL;
  gboolean same_suffix = TRUE;
  guint n_zero = 0, n_left = 0;

  for (guint i = 0; i < diff->found->len; i++)
    {
      const SngMetadata *entry = g_ptr_array_index (diff->found, i);

      if (!is_zero (entry) || is_zero (g_ptr_array_index (diff->expected, i)))
        continue;

      if (first == NULL)
        first = entry;
      same_suffix &= g_str_equal (get_suffix (entry), get_suffix (first));
      n_zero++;
    }

  if (n_zero == 0)
    return NULL;

  all = list_tensors (facts, first->metric, facts->start);
  for (guint i = 0; i < all->len; i++)
    n_left += !is_zero (g_ptr_array_index (all, i));

  if (n_left == 0)
    return g_strdup_printf ("%s right after the restore", g_str_equal (first->metric, METRIC_OPTIMIZER)
                                                              ? "the optimizer's moments are zero"
                                                              : "all tensors are zero");

  if (n_zero > 1 && same_suffix)
    return g_strdup_printf ("%u tensors \"%s\" of %s are zero right after the restore", n_zero,
                            get_suffix (first), what);

  return g_strdup_printf ("\"%s\" of %s is zero right after the restore%s", first->path, what,
                          n_zero > 1 ? ", and others are" : "");
}

static gboolean
is_bf16 (double number)
{
  float narrow = (float) number;
  guint32 bits;

  memcpy (&bits, &narrow, sizeof bits);

  return (bits & 0xffffu) == 0;
}

static char *
explain_rounding (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  gboolean was_finer = FALSE;

  for (guint i = 0; i < diff->found->len; i++)
    {
      const SngMetadata *found = g_ptr_array_index (diff->found, i);
      const SngMetadata *expected = g_ptr_array_index (diff->expected, i);

      if (!is_tensor (found) || !is_tensor (expected) || found->dtype != SNG_DTYPE_F32
          || !is_bf16 (found->minimum) || !is_bf16 (found->maximum))
        return NULL;
      was_finer |= !is_bf16 (expected->minimum) || !is_bf16 (expected->maximum);
    }

  return was_finer ? g_strdup_printf (
             "the least and the greatest elements of %s are numbers of bf16 right after the "
             "restore, CONTINUOUS's are not: they were rounded",
             what)
                   : NULL;
}

/* Weights and their average, the one in the place of the other. */
static char *
explain_copy (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  const SngMetadata *any = g_ptr_array_index (diff->found, 0);
  gboolean is_average = g_str_equal (any->metric, METRIC_AVERAGE);
  g_autoptr (GPtrArray) others =
      list_tensors (facts, is_average ? METRIC_WEIGHTS : METRIC_AVERAGE, facts->start);
  guint n_equal = 0;

  if (!is_average && !g_str_equal (any->metric, METRIC_WEIGHTS))
    return NULL;

  for (guint i = 0; i < diff->found->len; i++)
    {
      SngMetadata *found = g_ptr_array_index (diff->found, i);
      gboolean is_equal = FALSE;

      if (!is_tensor (found))
        continue;

      for (guint j = 0; j < others->len && !is_equal; j++)
        is_equal = g_str_equal (found->path, ((SngMetadata *) g_ptr_array_index (others, j))->path)
                   && sng_metadata_equal (found, g_ptr_array_index (others, j));
      if (!is_equal)
        return NULL;
      n_equal++;
    }

  if (n_equal == 0)
    return NULL;

  return g_strdup (
      is_average ? "the moving average right after the restore equals the weights: it started over"
                 : "the weights right after the restore equal the moving average: they were overwritten");
}

static char *
explain_swap (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  for (guint i = 0; i < diff->found->len; i++)
    for (guint j = i + 1; j < diff->found->len; j++)
      {
        SngMetadata *a = g_ptr_array_index (diff->found, i), *b = g_ptr_array_index (diff->found, j);

        if (is_tensor (a) && is_tensor (b) && sng_metadata_equal (a, g_ptr_array_index (diff->expected, j))
            && sng_metadata_equal (b, g_ptr_array_index (diff->expected, i)))
          return g_strdup_printf ("\"%s\" and \"%s\" of %s are swapped", a->path, b->path, what);
      }

  return NULL;
}

static char *
explain_other_step (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();
  gboolean are_zero = TRUE;
  guint64 step;

  for (guint i = 0; i < diff->found->len; i++)
    if (is_tensor (g_ptr_array_index (diff->found, i)))
      {
        g_ptr_array_add (tensors, g_ptr_array_index (diff->found, i));
        are_zero &= is_zero (g_ptr_array_index (diff->found, i));
      }

  /* as moments are at the start; that they are zero says more */
  if (are_zero)
    return NULL;

  if (sng_facts_has_all (facts->continuous, tensors, sng_facts_get_origin (facts)))
    return g_strdup_printf ("what differs in %s right after the restore is as it was at the start", what);

  return sng_facts_find_step (facts, tensors, facts->start, &step) ? g_strdup_printf (
             "what differs in %s right after the restore is CONTINUOUS's of step %" G_GUINT64_FORMAT, what,
             step)
                                                                   : NULL;
}

/* "scale" of the loss scale, or "the loss scale's growth_tracker" */
static char *
name_value (const SngMetadata *entry, const char *what)
{
  const char *key = strrchr (entry->path, '/');

  if (g_str_equal (entry->metric, METRIC_RNG) && key != NULL)
    return g_strdup_printf ("the %s of the stream rng/%.*s", key + 1, (int) (key - entry->path), entry->path);
  if (*entry->path == '\0')
    return g_strdup (what);

  return g_strdup_printf ("\"%s\" of %s", key != NULL ? key + 1 : entry->path, what);
}

/* Without the bits of a number, which the evidence has. */
/* A state of its own kind may be long, and the report has it in whole beside this. */
#define LONGEST_VALUE 40

static char *
print_value (GVariant *value)
{
  char number[SNG_NUMBER_BUFFER_SIZE];
  g_autofree char *text = g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE)
                              ? g_strdup (sng_number_print (number, g_variant_get_double (value)))
                              : g_variant_print (value, FALSE);
  g_autofree char *start = NULL;

  if (g_utf8_strlen (text, -1) <= LONGEST_VALUE)
    return g_steal_pointer (&text);

  start = g_utf8_substring (text, 0, LONGEST_VALUE);

  return g_strconcat (start, "…", NULL);
}

static char *
explain_value (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  SngMetadata *found = g_ptr_array_index (diff->found, 0);
  SngMetadata *expected = g_ptr_array_index (diff->expected, 0);
  g_autoptr (GPtrArray) initial = NULL;
  g_autofree char *name = NULL;
  g_autofree char *found_text = NULL;
  g_autofree char *expected_text = NULL;
  SngMetadata *other;

  for (guint i = 0; i < diff->found->len; i++)
    if (is_tensor (g_ptr_array_index (diff->found, i)) || is_tensor (g_ptr_array_index (diff->expected, i)))
      return NULL;

  name = name_value (found, what);
  found_text = print_value (found->value);
  expected_text = print_value (expected->value);
  initial = sng_facts_query (facts->continuous, found->metric, found->stage, sng_facts_get_origin (facts));
  other = sng_facts_lookup (initial, found);
  if (other != NULL && sng_metadata_equal (other, found))
    return g_strdup_printf ("%s is %s right after the restore, as at the start; CONTINUOUS's is %s", name,
                            found_text, expected_text);

  return g_strdup_printf ("%s is %s right after the restore; CONTINUOUS's is %s", name, found_text,
                          expected_text);
}

static char *
explain_anything (const SngFacts *facts, const SngStateDiff *diff, const char *what)
{
  const SngMetadata *first = g_ptr_array_index (diff->found, 0);

  return g_strdup_printf ("%u of %u entries of %s %s right after the restore, first \"%s\"", diff->found->len,
                          diff->n_entries, what, diff->found->len == 1 ? "differs" : "differ", first->path);
}

static const Explain explanations[] = {
  explain_missing, explain_copy,     explain_swap,  explain_other_step,
  explain_zero,    explain_rounding, explain_value, explain_anything,
};

/* ---- Registered states: what they are, only their names and contents tell ---- */

static SngCause
guess_registered (const SngStateDiff *diff, const char *name)
{
  const char *const counters[] = { "trainer", "early-stopping", "model-checkpoint", NULL };

  if (g_strv_contains (counters, name))
    return SNG_CAUSE_COUNTERS;

  for (guint i = 0; i < diff->found->len; i++)
    {
      const SngMetadata *entry = g_ptr_array_index (diff->found, i);

      if (!is_tensor (entry) || !sng_dtype_is_floating (entry->dtype))
        return SNG_CAUSE_UNKNOWN;
    }

  return SNG_CAUSE_AVERAGES;
}

/* Leaves what is of the state NAME, which is in the path of the first. */
static char *
keep_one_state (SngStateDiff *diff)
{
  SngMetadata *first = g_ptr_array_index (diff->found, 0);
  const char *path =
      first != NULL ? first->path : ((SngMetadata *) g_ptr_array_index (diff->expected, 0))->path;
  const char *slash = strrchr (path, '/');
  g_autofree char *prefix = slash != NULL ? g_strndup (path, (gsize) (slash - path) + 1) : NULL;

  if (prefix == NULL)
    return NULL;

  for (guint i = diff->found->len; i > 0; i--)
    {
      SngMetadata *found = g_ptr_array_index (diff->found, i - 1);
      SngMetadata *any = found != NULL ? found : g_ptr_array_index (diff->expected, i - 1);

      if (g_str_has_prefix (any->path, prefix))
        continue;
      g_ptr_array_remove_index (diff->found, i - 1);
      g_ptr_array_remove_index (diff->expected, i - 1);
    }
  prefix[strlen (prefix) - 1] = '\0';

  return g_steal_pointer (&prefix);
}

SngDiagnosis *
sng_rule_state (const SngFacts *facts)
{
  const char *metric = sng_divergence_get_metric (facts->first);
  const StateKind *kind = lookup_kind (metric);
  g_auto (SngStateDiff) diff = { NULL };
  g_autofree char *what = NULL;
  g_autofree char *sentence = NULL;
  SngCause cause = kind != NULL ? kind->cause : SNG_CAUSE_UNKNOWN;
  SngDiagnosis *diagnosis;

  if (sng_divergence_get_stage (facts->first) != SNG_STAGE_TRAIN
      || sng_divergence_get_step (facts->first) != facts->start
      || (kind == NULL && !g_str_equal (metric, METRIC_REGISTERED)))
    return NULL;

  sng_facts_diff_state (facts, metric, facts->start, &diff);
  if (diff.found->len == 0)
    return NULL;

  if (kind == NULL)
    {
      g_autofree char *name = keep_one_state (&diff);

      if (name == NULL)
        return NULL;
      cause = guess_registered (&diff, name);
      what = g_strdup_printf ("the state \"%s\"", name);
    }
  else
    {
      what = g_strdup (kind->what);
    }

  for (guint i = 0; sentence == NULL; i++)
    sentence = explanations[i](facts, &diff, what);

  diagnosis = sng_diagnosis_new (cause, "%s", sentence);
  for (guint i = 1; i < MIN (diff.found->len, 4); i++)
    sng_facts_add_pair (diagnosis, g_ptr_array_index (diff.found, i), g_ptr_array_index (diff.expected, i));

  return diagnosis;
}
