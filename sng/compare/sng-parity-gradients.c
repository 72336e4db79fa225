/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The gradients of two plans: how far they are apart, and by which weights of the micro-batches. */

#include "compare/sng-parity-private.h"

#include <math.h>

#define GRADIENT "gradient"
#define FINAL (-1)

/* A norm that is off by less was not clipped. */
#define UNCLIPPED 1e-6
/* Below it a pivot is that of a micro-batch that is made of the others. */
#define SINGULAR 1e-12

static double
multiply (GArray *a, GArray *b)
{
  double sum = 0.0;

  for (guint i = 0; i < a->len; i++)
    sum += g_array_index (a, double, i) * g_array_index (b, double, i);

  return sum;
}

/* What undoes the clipping, which would hide that a gradient is a multiple of what it should be. */
static double
find_factor (SngParityStep *step, GArray *gradient)
{
  double norm = sng_parity_step_lookup_double (step, FINAL, "gradient-norm");
  double square = multiply (gradient, gradient);
  double factor = isfinite (norm) && norm > 0.0 && square > 0.0 ? norm / sqrt (square) : 1.0;

  return fabs (factor - 1.0) < UNCLIPPED ? 1.0 : factor;
}

SngParityGradients *
sng_parity_gradients_compare (SngParityStep *expected, SngParityStep *actual, GError **error)
{
  g_autoptr (SngParityGradients) self = g_new0 (SngParityGradients, 1);
  SngParityStep *steps[] = { expected, actual };
  double square = 0.0, difference = 0.0;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      self->values[i] = sng_parity_step_load (steps[i], FINAL, GRADIENT, error);
      if (self->values[i] == NULL)
        return NULL;

      self->factors[i] = find_factor (steps[i], self->values[i]);
    }

  for (guint i = 0; i < self->values[0]->len; i++)
    {
      double first = g_array_index (self->values[0], double, i) * self->factors[0];
      double second = g_array_index (self->values[1], double, i) * self->factors[1];

      square += first * first;
      difference += (first - second) * (first - second);
    }

  self->is_equal = sng_metadata_equal (sng_parity_step_lookup (expected, FINAL, GRADIENT),
                                       sng_parity_step_lookup (actual, FINAL, GRADIENT));
  self->norm = sqrt (square);
  self->difference = difference > 0.0 ? sqrt (difference) / self->norm : 0.0;

  return g_steal_pointer (&self);
}

void
sng_parity_gradients_free (SngParityGradients *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->values); i++)
    g_clear_pointer (&self->values[i], g_array_unref);
  g_free (self);
}

/* ---- Weights of the micro-batches ---- */

/* The normal equations of the weights by which the contributions add up to the whole. */
typedef struct
{
  guint n;
  double *products; /* [n][n] */
  double *targets;  /* [n] */
  double whole;     /* the square of its norm */
  double sum;       /* that of the sum of the contributions */
  double final;     /* the sum times what it became in the end */
} Equations;

static void
equations_clear (Equations *self)
{
  g_free (self->products);
  g_free (self->targets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Equations, equations_clear)

/* What each micro-batch added to the gradient. */
static GPtrArray *
load_contributions (SngParityStep *parts, GError **error)
{
  g_autoptr (GPtrArray) contributions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; i < parts->n_micro_batches; i++)
    {
      GArray *sum = sng_parity_step_load (parts, parts->first_micro_batch + i, GRADIENT, error);

      if (sum == NULL)
        return NULL;

      g_ptr_array_add (contributions, sum);
    }

  for (guint i = parts->n_micro_batches - 1; i > 0; i--)
    {
      GArray *sum = contributions->pdata[i], *before = contributions->pdata[i - 1];

      for (guint j = 0; j < sum->len; j++)
        g_array_index (sum, double, j) -= g_array_index (before, double, j);
    }

  return g_steal_pointer (&contributions);
}

static void
set_up (Equations *self, GArray *whole, GArray *final, GPtrArray *contributions)
{
  self->n = contributions->len;
  self->products = g_new0 (double, self->n * self->n);
  self->targets = g_new0 (double, self->n);
  self->whole = multiply (whole, whole);

  for (guint i = 0; i < self->n; i++)
    {
      self->targets[i] = multiply (contributions->pdata[i], whole);
      self->final += multiply (contributions->pdata[i], final);
      for (guint j = 0; j < self->n; j++)
        {
          self->products[i * self->n + j] = multiply (contributions->pdata[i], contributions->pdata[j]);
          self->sum += self->products[i * self->n + j];
        }
    }

  /* one without targets contributes nothing, whatever it weighs */
  for (guint i = 0; i < self->n; i++)
    if (self->products[i * self->n + i] == 0.0)
      self->products[i * self->n + i] = self->sum;
}

static void
swap_rows (double *matrix, double *right, guint n, guint a, guint b)
{
  double swapped = right[a];

  right[a] = right[b];
  right[b] = swapped;
  for (guint i = 0; i < n; i++)
    {
      swapped = matrix[a * n + i];
      matrix[a * n + i] = matrix[b * n + i];
      matrix[b * n + i] = swapped;
    }
}

/* Gaussian elimination with the largest pivots. FALSE: the contributions do not tell the weights. */
static gboolean
solve (const Equations *self, double *weights)
{
  guint n = self->n;
  g_autofree double *matrix = g_memdup2 (self->products, n * n * sizeof (double));
  double largest = 0.0;

  for (guint i = 0; i < n; i++)
    {
      weights[i] = self->targets[i];
      largest = fmax (largest, self->products[i * n + i]);
    }

  for (guint i = 0; i < n; i++)
    {
      guint pivot = i;

      for (guint j = i + 1; j < n; j++)
        if (fabs (matrix[j * n + i]) > fabs (matrix[pivot * n + i]))
          pivot = j;
      if (!(fabs (matrix[pivot * n + i]) > SINGULAR * largest))
        return FALSE;

      swap_rows (matrix, weights, n, i, pivot);
      for (guint j = i + 1; j < n; j++)
        {
          double factor = matrix[j * n + i] / matrix[i * n + i];

          weights[j] -= factor * weights[i];
          for (guint k = i; k < n; k++)
            matrix[j * n + k] -= factor * matrix[i * n + k];
        }
    }

  for (guint i = n; i-- > 0;)
    {
      for (guint j = i + 1; j < n; j++)
        weights[i] -= matrix[i * n + j] * weights[j];
      weights[i] /= matrix[i * n + i];
    }

  return TRUE;
}

/* What the weights leave of the whole, relative to it. */
static double
find_residual (const Equations *self, const double *weights)
{
  double rest = self->whole;

  for (guint i = 0; i < self->n; i++)
    {
      rest -= 2.0 * weights[i] * self->targets[i];
      for (guint j = 0; j < self->n; j++)
        rest += weights[i] * weights[j] * self->products[i * self->n + j];
    }

  return rest > 0.0 ? sqrt (rest / self->whole) : 0.0;
}

static char *
print_weights (const double *weights, guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%.4g", i > 0 ? ", " : "", weights[i]);

  return g_strdup (text->str);
}

static gboolean
is_near (double value, double expected, double tolerance)
{
  return fabs (value - expected) <= tolerance * fabs (expected);
}

/* @weights are those that would make the whole of the parts, where they should all be 1. NULL: they are. */
static char *
tell_pattern (const double *weights, guint n, const char *plan, double tolerance)
{
  double sum = 0.0, smallest = INFINITY, largest = -INFINITY;
  g_autofree char *text = print_weights (weights, n);
  double factor;

  for (guint i = 0; i < n; i++)
    {
      sum += weights[i];
      smallest = fmin (smallest, weights[i]);
      largest = fmax (largest, weights[i]);
    }

  factor = n / sum;
  if (is_near (smallest, 1.0, tolerance) && is_near (largest, 1.0, tolerance))
    return NULL;

  if (largest - smallest > tolerance * fabs (largest))
    {
      if (is_near (sum, n, tolerance))
        return g_strdup_printf (
            "the mean of means: under %s the micro-batches count alike, however many targets each "
            "has; they would have to weigh %s times as much",
            plan, text);
      if (is_near (sum, 1.0, tolerance))
        return g_strdup_printf (
            "the sum of means: under %s the loss of a micro-batch is not divided; they would have to "
            "weigh %s times as much",
            plan, text);

      return g_strdup_printf (
          "other weights: under %s the micro-batches would have to weigh %s times as much", plan, text);
    }

  if (n > 1 && is_near (factor, n, tolerance))
    return g_strdup_printf (
        "a factor: under %s the gradient is %.6g times as large; the loss is not divided by the "
        "number of micro-batches",
        plan, factor);
  if (n > 1 && is_near (factor, 1.0 / n, tolerance))
    return g_strdup_printf (
        "a factor: under %s the gradient is %.6g times as large; the loss is divided by the number "
        "of micro-batches once too often",
        plan, factor);

  return g_strdup_printf ("a factor: under %s the gradient is %.6g times as large", plan, factor);
}

char *
sng_parity_gradients_explain (SngParityGradients *self,
                              SngParityStep *parts,
                              guint position,
                              double tolerance,
                              GError **error)
{
  g_auto (Equations) equations = { 0 };
  g_autoptr (GPtrArray) contributions = load_contributions (parts, error);
  g_autofree double *weights = g_new0 (double, parts->n_micro_batches);
  double scale;

  if (contributions == NULL)
    return NULL;

  set_up (&equations, self->values[1 - position], self->values[position], contributions);
  if (!(equations.sum > 0.0) || !solve (&equations, weights)
      || find_residual (&equations, weights) > tolerance)
    return NULL;

  /* the sum of the contributions is still that of a scaled loss, and was not clipped yet */
  scale = equations.final / equations.sum * self->factors[position] / self->factors[1 - position];
  for (guint i = 0; i < equations.n; i++)
    weights[i] /= scale;

  return tell_pattern (weights, equations.n, parts->plan->name, tolerance);
}
