/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The phases of a step under two plans of micro-batches, in the order of cause and effect. */

#include "compare/sng-parity-private.h"

#include <math.h>
#include <string.h>

#include "compare/sng-divergence-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "record/sng-number-private.h"
#include "sng-error.h"

#define FINAL (-1)

/* By how much the losses may differ, which are no sums of many numbers: they are the means of the micro-batches' means. */
#define LOSS_TOLERANCE 1e-5

/* An element whose gradients are further apart tells nothing about an update: it is itself a rest of rounding, as the gradient of
 * a bias is that cancels out, and an adaptive optimizer makes a whole step of it. */
#define TRUSTED 1e-3
/* By how much an update, and moments, may then differ. */
#define UPDATE_TOLERANCE 1e-2
/* Units in the last place of a weight that an update may be off by its rounding. */
#define N_ROUNDINGS 4.0

typedef enum
{
  PHASE_SAMPLES,
  PHASE_LOSS,
  PHASE_GRADIENTS,
  PHASE_SCHEDULE,
  PHASE_OPTIMIZER,
  PHASE_WEIGHTS,
  N_PHASES
} Phase;

static const char *const names[] = { "Samples",  "LossDenominator", "Gradients",
                                     "Schedule", "OptimizerState",  "Weights" };

typedef struct
{
  guint64 n_compared;
  guint64 n_different;
  SngDivergence *first;
  char *reason; /* why nothing could be told */
} Line;

typedef struct
{
  SngParityStep *expected;
  SngParityStep *actual;
  double tolerance;
  Line lines[N_PHASES];
  GPtrArray *parameters; /* SngParityParameter */
  guint n_elements;      /* of all of them */
  SngParityGradients *gradients;
  GPtrArray *notes;
  gboolean has_moved; /* a weight, in any step */
} Parity;

static void
parity_clear (Parity *self)
{
  for (guint i = 0; i < N_PHASES; i++)
    {
      g_clear_object (&self->lines[i].first);
      g_free (self->lines[i].reason);
    }
  g_clear_pointer (&self->expected, sng_parity_step_free);
  g_clear_pointer (&self->actual, sng_parity_step_free);
  g_clear_pointer (&self->gradients, sng_parity_gradients_free);
  g_clear_pointer (&self->parameters, g_ptr_array_unref);
  g_clear_pointer (&self->notes, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parity, parity_clear)

/* Takes expected, actual and detail. What happens within the window comes before what is made of it. */
static void
add_divergence (Parity *self,
                Phase phase,
                gint64 micro_batch,
                const char *path,
                char *expected,
                char *actual,
                char *detail)
{
  g_autofree char *owned_expected = expected;
  g_autofree char *owned_actual = actual;
  g_autofree char *owned_detail = detail;
  Line *line = &self->lines[phase];

  line->n_different++;
  if (line->first == NULL)
    line->first = sng_divergence_new (SNG_MODE_CONTINUOUS, names[phase], SNG_STAGE_TRAIN, self->actual->step,
                                      micro_batch, 0, path, micro_batch >= 0 ? 0 : phase + 1, owned_expected,
                                      owned_actual, owned_detail);
}

static gboolean
check_size (Parity *self, const char *path, GArray *values, GError **error)
{
  if (values->len == self->n_elements)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
               "[accumulation] step %" G_GUINT64_FORMAT
               ", \"%s\": the parameters under %s have %u elements, found are %u",
               self->actual->step, path, self->expected->plan->name, self->n_elements, values->len);

  return FALSE;
}

static char *
print_number (double number)
{
  char text[SNG_NUMBER_BUFFER_SIZE];

  return g_strdup (sng_number_print (text, number));
}

static gboolean
is_close (double a, double b)
{
  return fabs (a - b) <= LOSS_TOLERANCE * fmax (fabs (a), fabs (b));
}

/* ---- Samples ---- */

static char *
print_sample (const gint64 *sample)
{
  return g_strdup_printf ("epoch %" G_GINT64_FORMAT ", sample %" G_GINT64_FORMAT, sample[0], sample[1]);
}

/* Whether the shorter window is so since an epoch ends in it or with it. */
static gboolean
ends_epoch (GArray *shorter, GArray *longer)
{
  gint64 last, next;

  if (shorter->len == 0)
    return FALSE;

  last = g_array_index (shorter, gint64, shorter->len - 2);
  next = g_array_index (longer, gint64, shorter->len);

  return next != last || g_array_index (shorter, gint64, 0) != last;
}

/* FALSE: the plans part here, since an epoch ends in a window of one of them. */
static gboolean
compare_samples (Parity *self)
{
  GArray *a = self->expected->samples, *b = self->actual->samples;
  guint n = MIN (a->len, b->len);
  guint i = 0;
  g_autofree char *path = NULL;

  while (i < n && g_array_index (a, gint64, i) == g_array_index (b, gint64, i)
         && g_array_index (a, gint64, i + 1) == g_array_index (b, gint64, i + 1))
    i += 2;
  self->lines[PHASE_SAMPLES].n_compared += i / 2;

  if (i == a->len && i == b->len)
    return TRUE;
  if (i == n && ends_epoch (a->len < b->len ? a : b, a->len < b->len ? b : a))
    return FALSE;

  self->lines[PHASE_SAMPLES].n_compared++;
  path = g_strdup_printf ("sample %u of the step", i / 2);
  add_divergence (self, PHASE_SAMPLES, FINAL, path,
                  i < a->len ? print_sample (&g_array_index (a, gint64, i)) : g_strdup ("no sample"),
                  i < b->len ? print_sample (&g_array_index (b, gint64, i)) : g_strdup ("no sample"),
                  g_strdup ("the plans train on other samples, or in another order"));

  return TRUE;
}

/* ---- Within the window ---- */

static gboolean
is_same_entry (SngParityStep *step, gint64 a, gint64 b, const char *path)
{
  SngMetadata *first = sng_parity_step_lookup (step, a, path);
  SngMetadata *second = sng_parity_step_lookup (step, b, path);

  return first == NULL || second == NULL || sng_metadata_equal (first, second);
}

/* A step is made of its window as a whole: nothing moves before the last micro-batch is done. */
static void
check_window (Parity *self, SngParityStep *step)
{
  gboolean moves = FALSE, schedule_moves = FALSE;

  for (guint i = 1; i < step->n_micro_batches; i++)
    {
      gint64 micro_batch = step->first_micro_batch + i;

      if (!schedule_moves && !is_same_entry (step, step->first_micro_batch, micro_batch, "learning-rate"))
        {
          schedule_moves = TRUE;
          add_divergence (
              self, PHASE_SCHEDULE, micro_batch, "learning-rate",
              print_number (sng_parity_step_lookup_double (step, step->first_micro_batch, "learning-rate")),
              print_number (sng_parity_step_lookup_double (step, micro_batch, "learning-rate")),
              g_strdup_printf ("under %s the schedule counts micro-batches: it moves within a step",
                               step->plan->name));
        }

      if (!moves && !is_same_entry (step, step->first_micro_batch, micro_batch, "state"))
        {
          moves = TRUE;
          add_divergence (
              self, PHASE_OPTIMIZER, micro_batch, "state", g_strdup ("as at the first micro-batch"),
              g_strdup ("another"),
              g_strdup_printf (
                  "under %s the optimizer steps at each micro-batch: its state or the weights move "
                  "within a step",
                  step->plan->name));
        }
    }
}

/* ---- Loss ---- */

/* What a wrong loss of a window is, told by those of its micro-batches. */
static char *
explain_loss (SngParityStep *step, double loss)
{
  double sum = 0.0;

  for (guint i = 0; i < step->n_micro_batches; i++)
    sum += sng_parity_step_lookup_double (step, step->first_micro_batch + i, "loss");

  if (step->n_micro_batches > 1 && is_close (loss, sum / step->n_micro_batches))
    return g_strdup_printf (
        "under %s it is the mean of the micro-batches' means, however many targets each has",
        step->plan->name);
  if (step->n_micro_batches > 1 && is_close (loss, sum))
    return g_strdup_printf ("under %s it is the sum of the micro-batches' losses, not their mean",
                            step->plan->name);

  return NULL;
}

static double
count_targets (SngParityStep *step)
{
  double sum = 0.0;

  for (guint i = 0; i < step->n_micro_batches; i++)
    sum += sng_parity_step_lookup_double (step, step->first_micro_batch + i, "n_targets");

  return sum;
}

static void
compare_losses (Parity *self)
{
  double a = sng_parity_step_lookup_double (self->expected, FINAL, "loss");
  double b = sng_parity_step_lookup_double (self->actual, FINAL, "loss");
  double n_targets[] = { count_targets (self->expected), count_targets (self->actual) };

  if (isfinite (a) && isfinite (b))
    {
      self->lines[PHASE_LOSS].n_compared++;
      if (!is_close (a, b))
        {
          char *detail = explain_loss (self->actual, b);

          if (detail == NULL)
            detail = explain_loss (self->expected, a);
          if (detail == NULL)
            detail = g_strdup_printf ("under %s it is %.6g times as large", self->actual->plan->name, b / a);
          add_divergence (self, PHASE_LOSS, FINAL, "loss", print_number (a), print_number (b), detail);
        }
    }

  if (isfinite (n_targets[0]) && isfinite (n_targets[1]))
    {
      self->lines[PHASE_LOSS].n_compared++;
      if (n_targets[0] != n_targets[1])
        add_divergence (self, PHASE_LOSS, FINAL, "n_targets", print_number (n_targets[0]),
                        print_number (n_targets[1]),
                        g_strdup ("the same samples have another number of targets"));
    }
}

/* ---- Gradients ---- */

static gboolean
compare_gradients (Parity *self, GError **error)
{
  gboolean explains_actual = self->actual->n_micro_batches > 1;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *detail =
      sng_parity_gradients_explain (self->gradients, explains_actual ? self->actual : self->expected,
                                    explains_actual ? 1 : 0, self->tolerance, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  self->lines[PHASE_GRADIENTS].n_compared += self->parameters->len;

  if (detail == NULL && self->gradients->difference <= self->tolerance)
    {
      g_ptr_array_add (self->notes, self->gradients->is_equal
                                        ? g_strdup_printf ("step %" G_GUINT64_FORMAT
                                                           ": the gradients are equal bit by bit",
                                                           self->actual->step)
                                        : g_strdup_printf ("step %" G_GUINT64_FORMAT
                                                           ": the gradients differ by %.2g of their norm, as "
                                                           "sums in another order do",
                                                           self->actual->step, self->gradients->difference));
      return TRUE;
    }

  if (detail == NULL)
    detail = g_strdup ("no weights of the micro-batches make the one of the other");
  add_divergence (self, PHASE_GRADIENTS, FINAL, "", g_strdup_printf ("the norm %.9g", self->gradients->norm),
                  g_strdup_printf ("a difference of %.3g of it", self->gradients->difference),
                  g_steal_pointer (&detail));

  return TRUE;
}

/* ---- Schedule ---- */

static void
compare_entries (Parity *self, Phase phase, SngMetadata *a)
{
  const char *path = sng_metadata_get_path (a);
  SngMetadata *b = sng_parity_step_lookup (self->actual, FINAL, path);

  self->lines[phase].n_compared++;
  if (b == NULL || !sng_metadata_equal (a, b))
    add_divergence (self, phase, FINAL, path, sng_metadata_describe (a),
                    b != NULL ? sng_metadata_describe (b) : g_strdup ("(not recorded)"),
                    g_strdup ("after the step"));
}

/* It knows nothing of gradients, so it is the same to the last bit. */
static void
compare_schedules (Parity *self)
{
  double a =
      sng_parity_step_lookup_double (self->expected, self->expected->first_micro_batch, "learning-rate");
  double b = sng_parity_step_lookup_double (self->actual, self->actual->first_micro_batch, "learning-rate");

  if (isfinite (a) && isfinite (b))
    {
      self->lines[PHASE_SCHEDULE].n_compared++;
      if (a != b)
        add_divergence (self, PHASE_SCHEDULE, FINAL, "learning-rate", print_number (a), print_number (b),
                        g_strdup ("before the step"));
    }

  for (guint i = 0; i < self->expected->entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (self->expected->entries, i);
      const char *path = sng_metadata_get_path (entry);

      if (sng_metadata_get_micro_batch (entry) == FINAL
          && (g_str_equal (path, "learning-rate") || g_str_has_prefix (path, "schedule/")))
        compare_entries (self, PHASE_SCHEDULE, entry);
    }
}

/* ---- Optimizer and weights ---- */

/* Whether the gradients of an element mean something under both plans. */
static gboolean
is_trusted (Parity *self, guint element)
{
  double a = g_array_index (self->gradients->values[0], double, element) * self->gradients->factors[0];
  double b = g_array_index (self->gradients->values[1], double, element) * self->gradients->factors[1];

  return fabs (a - b) <= TRUSTED * fabs (a);
}

/* How far two tensors are apart where the gradients are to be trusted; what both were before is taken from them. */
static void
compare_parameter (Parity *self,
                   Phase phase,
                   const char *path,
                   const SngParityParameter *parameter,
                   GArray *values[3])
{
  double square = 0.0, difference = 0.0;

  for (guint i = parameter->first; i < parameter->first + parameter->n; i++)
    {
      double origin = values[2] != NULL ? g_array_index (values[2], double, i) : 0.0;
      double a = g_array_index (values[0], double, i), b = g_array_index (values[1], double, i);
      double apart = fabs (a - b);

      if (!is_trusted (self, i))
        continue;

      square += (a - origin) * (a - origin);
      if (!(apart <= N_ROUNDINGS * parameter->epsilon * fmax (fabs (a), fabs (b))))
        difference += apart * apart;
    }

  self->lines[phase].n_compared++;
  self->has_moved = self->has_moved || (phase == PHASE_WEIGHTS && square > 0.0);
  if (!(difference <= UPDATE_TOLERANCE * UPDATE_TOLERANCE * square))
    {
      g_autofree char *place = g_strdup_printf ("%s/%s", path, parameter->name);

      add_divergence (self, phase, FINAL, place,
                      g_strdup_printf ("%s%.9g",
                                       phase == PHASE_WEIGHTS ? "an update of the norm " : "the norm ",
                                       sqrt (square)),
                      g_strdup_printf ("a difference of %.3g of it", sqrt (difference / square)),
                      g_strdup_printf ("under %s", self->actual->plan->name));
    }
}

static gboolean
compare_tensors (Parity *self, Phase phase, const char *path, GArray *before, GError **error)
{
  g_autoptr (GArray) a = sng_parity_step_load (self->expected, FINAL, path, error);
  g_autoptr (GArray) b = a != NULL ? sng_parity_step_load (self->actual, FINAL, path, error) : NULL;
  GArray *values[] = { a, b, before };

  if (b == NULL || !check_size (self, path, a, error) || !check_size (self, path, b, error))
    return FALSE;

  for (guint i = 0; i < self->parameters->len; i++)
    compare_parameter (self, phase, path, self->parameters->pdata[i], values);

  return TRUE;
}

static gboolean
compare_optimizers (Parity *self, GError **error)
{
  for (guint i = 0; i < self->expected->entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (self->expected->entries, i);
      const char *path = sng_metadata_get_path (entry);

      if (sng_metadata_get_micro_batch (entry) != FINAL || !g_str_has_prefix (path, "optimizer/"))
        continue;

      if (!sng_metadata_is_tensor (entry))
        compare_entries (self, PHASE_OPTIMIZER, entry);
      else if (!compare_tensors (self, PHASE_OPTIMIZER, path, NULL, error))
        return FALSE;
    }

  return TRUE;
}

/* The updates: the weights' difference from what they were before the step. */
static gboolean
compare_weights (Parity *self, SngParityStep *before, GError **error)
{
  g_autoptr (GArray) origin = sng_parity_step_load (before, FINAL, "weight", error);

  return origin != NULL && check_size (self, "weight", origin, error)
         && compare_tensors (self, PHASE_WEIGHTS, "weight", origin, error);
}

/* ---- The report ---- */

static SngParityGradients *
load_gradients (Parity *self, GError **error)
{
  g_autoptr (SngParityGradients) gradients =
      sng_parity_gradients_compare (self->expected, self->actual, error);

  if (gradients == NULL || !check_size (self, "gradient", gradients->values[0], error)
      || !check_size (self, "gradient", gradients->values[1], error))
    return NULL;

  return g_steal_pointer (&gradients);
}

static guint
count_skipped (SngParityStep *step)
{
  return (guint) step->first_micro_batch / step->n_micro_batches;
}

/* FALSE also without an error: there are no more steps that could be compared. */
static gboolean
compare_step (Parity *self, SngParityStep *before, GError **error)
{
  if (self->expected->entries->len == 0 && self->actual->entries->len == 0)
    return FALSE;

  if (self->expected->entries->len == 0 || self->actual->entries->len == 0)
    {
      add_divergence (self, PHASE_SAMPLES, FINAL, "",
                      g_strdup (self->expected->entries->len > 0 ? "a step" : "no step"),
                      g_strdup (self->actual->entries->len > 0 ? "a step" : "no step"),
                      g_strdup ("the training ends earlier under one of the plans"));
      return FALSE;
    }

  if (count_skipped (self->expected) != count_skipped (self->actual))
    {
      g_ptr_array_add (self->notes, g_strdup_printf ("at step %" G_GUINT64_FORMAT
                                                     " the plans skip %u and %u windows for the "
                                                     "loss scale, so they go on with other samples",
                                                     self->actual->step, count_skipped (self->expected),
                                                     count_skipped (self->actual)));
      return FALSE;
    }

  if (!compare_samples (self))
    {
      g_ptr_array_add (
          self->notes,
          g_strdup_printf ("from step %" G_GUINT64_FORMAT
                           " on the plans have other windows, since an epoch ends in the midst of one",
                           self->actual->step));
      return FALSE;
    }

  g_clear_pointer (&self->gradients, sng_parity_gradients_free);
  self->gradients = load_gradients (self, error);
  if (self->gradients == NULL)
    return FALSE;

  check_window (self, self->expected);
  check_window (self, self->actual);
  compare_losses (self);
  compare_schedules (self);

  return compare_gradients (self, error) && compare_optimizers (self, error)
         && compare_weights (self, before, error);
}

static char *
find_weakness (Parity *self, Phase phase)
{
  if (self->lines[phase].n_compared == 0)
    return g_strdup ("nothing was recorded that could be compared");
  if (phase == PHASE_WEIGHTS && !self->has_moved)
    return g_strdup ("no weight moved whose gradient is the same under both plans");

  return NULL;
}

static SngReport *
make_report (Parity *self, const char *expected, const char *actual)
{
  SngReport *report = sng_report_new ();
  g_autofree char *title = g_strdup_printf ("%s beside %s", actual, expected);

  sng_report_set_title (report, title);
  for (guint i = 0; i < N_PHASES; i++)
    {
      Line *line = &self->lines[i];
      g_autofree char *reason = line->first == NULL ? find_weakness (self, i) : NULL;
      SngVerdict verdict = line->first != NULL ? SNG_VERDICT_DIVERGED
                           : reason != NULL    ? SNG_VERDICT_INCONCLUSIVE
                                               : SNG_VERDICT_PASS;
      g_autoptr (SngMetricResult) result =
          sng_metric_result_new (names[i], verdict, line->n_compared, line->n_different, line->first, reason);

      sng_report_add_result (report, result);
    }

  for (guint i = 0; i < self->notes->len; i++)
    sng_report_add_note (report, self->notes->pdata[i]);

  return report;
}

SngReport *
sng_parity_compare (const SngParityPlan *expected,
                    const SngParityPlan *actual,
                    double tolerance,
                    GError **error)
{
  g_auto (Parity) self = { .tolerance = tolerance };
  g_autoptr (SngParityStep) before = sng_parity_step_read (expected, 0, error);
  g_autoptr (GError) local_error = NULL;
  gboolean goes_on = TRUE;

  if (before == NULL || (self.parameters = sng_parity_read_parameters (expected, error)) == NULL)
    return NULL;

  for (guint i = 0; i < self.parameters->len; i++)
    self.n_elements += ((SngParityParameter *) self.parameters->pdata[i])->n;
  self.notes = g_ptr_array_new_with_free_func (g_free);

  for (guint64 step = 1; goes_on; step++)
    {
      self.expected = sng_parity_step_read (expected, step, error);
      self.actual = self.expected != NULL ? sng_parity_step_read (actual, step, error) : NULL;
      if (self.actual == NULL)
        return NULL;

      goes_on = compare_step (&self, before, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }

      sng_parity_step_free (before);
      before = g_steal_pointer (&self.expected);
      g_clear_pointer (&self.actual, sng_parity_step_free);
    }

  return make_report (&self, expected->name, actual->name);
}
