/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include "cpu-math-fixture.h"

#include <math.h>
#include <string.h>
#include "tensor/sng-half-private.h"

#define N_SAMPLES 60 /* elements of an input whose gradient is checked */
#define STEP 1e-5
#define GRADIENT_TOLERANCE 1e-6

/* How far from f64 a result may be, as a share of its norm. The operands of bf16 have 8 bits and those of f16 11; a result
 * has been rounded a few times on its way. */
#define F32_TOLERANCE 2e-6
#define BF16_TOLERANCE 6e-3
#define F16_TOLERANCE 8e-4

double
values_get (const Values *values, gsize i)
{
  switch (values->dtype)
    {
    case SNG_DTYPE_F64:
      return ((const double *) values->data)[i];
    case SNG_DTYPE_F32:
      return ((const float *) values->data)[i];
    case SNG_DTYPE_BF16:
      return sng_bf16_to_float (((const guint16 *) values->data)[i]);
    case SNG_DTYPE_F16:
      return sng_f16_to_float (((const guint16 *) values->data)[i]);
    default:
      g_assert_not_reached ();
    }
}

void
values_set (const Values *values, gsize i, double value)
{
  switch (values->dtype)
    {
    case SNG_DTYPE_F64:
      ((double *) values->data)[i] = value;
      break;
    case SNG_DTYPE_F32:
      ((float *) values->data)[i] = (float) value;
      break;
    case SNG_DTYPE_BF16:
      ((guint16 *) values->data)[i] = sng_bf16_from_float ((float) value);
      break;
    case SNG_DTYPE_F16:
      ((guint16 *) values->data)[i] = sng_f16_from_float ((float) value);
      break;
    default:
      g_assert_not_reached ();
    }
}

/* zeros */
Values
values_new (SngDtype dtype, gsize n)
{
  return (Values){ .dtype = dtype, .n = n, .data = g_malloc0 (MAX (n, 1) * sng_dtype_get_size (dtype)) };
}

/* Numbers of bf16 between -2 and 2, which the other types hold as well; sums of them are not exact. */
Values
values_random (SngDtype dtype, gsize n, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Values values = values_new (dtype, n);

  for (gsize i = 0; i < n; i++)
    values_set (&values, i,
                sng_bf16_to_float (sng_bf16_from_float ((float) g_rand_double_range (rand, -2, 2))));
  return values;
}

void
values_clear (Values *values)
{
  g_clear_pointer (&values->data, g_free);
}

double
values_difference (const Values *a, const Values *b)
{
  double difference = 0, norm = 0;

  g_assert_cmpuint (a->n, ==, b->n);
  for (gsize i = 0; i < a->n; i++)
    {
      double x = values_get (a, i), y = values_get (b, i);

      difference += (x - y) * (x - y);
      norm += y * y;
    }
  return sqrt (difference / norm);
}

SngRows *
rows_new (const gsize *lengths, gsize n_sequences)
{
  SngRows *rows = g_new0 (SngRows, 1);
  gint64 *first_rows = g_new0 (gint64, n_sequences + 1);
  gint64 *sequences, *tokens;

  for (gsize i = 0; i < n_sequences; i++)
    {
      first_rows[i + 1] = first_rows[i] + (gint64) lengths[i];
      rows->max_tokens = MAX (rows->max_tokens, lengths[i]);
    }
  rows->n_sequences = n_sequences;
  rows->n_rows = (gsize) first_rows[n_sequences];
  sequences = g_new0 (gint64, MAX (rows->n_rows, 1));
  tokens = g_new0 (gint64, MAX (rows->n_rows, 1));
  for (gsize i = 0; i < n_sequences; i++)
    for (gint64 row = first_rows[i]; row < first_rows[i + 1]; row++)
      {
        sequences[row] = (gint64) i;
        tokens[row] = row - first_rows[i];
      }
  rows->first_rows = first_rows;
  rows->sequences = sequences;
  rows->tokens = tokens;
  return rows;
}

void
rows_free (SngRows *rows)
{
  g_free ((gpointer) rows->first_rows);
  g_free ((gpointer) rows->sequences);
  g_free ((gpointer) rows->tokens);
  g_free (rows);
}

const SngKernels *
cpu_math_kernels (guint i)
{
  const SngDeviceMath *math = sng_cpu_math_get ();
  const SngKernels *const all[] = { math->f32, math->bf16, math->f16, math->f64 };

  return i < G_N_ELEMENTS (all) ? all[i] : NULL;
}

static Buffers *
buffers_new (const Case *c, const SngKernels *kernels)
{
  const SngDtype dtypes[] = { [REALS] = kernels->real, [OPERANDS] = kernels->operand };
  Buffers *b = g_new0 (Buffers, 1);

  for (guint i = 0; i < MAX_INPUTS; i++)
    {
      b->in[i] = values_random (dtypes[c->in[i]], c->n_in[i], 10 + i);
      b->gradient[i] = values_new (dtypes[c->gradient[i]], c->n_in[i]);
    }
  b->out = values_new (dtypes[c->out], c->n_out);
  b->d_out = values_random (dtypes[c->d_out], c->n_out, 20);
  b->saved[0] = values_new (kernels->real, c->n_saved);
  b->saved[1] = values_new (kernels->real, c->n_saved);
  return b;
}

static void
buffers_free (Buffers *b)
{
  for (guint i = 0; i < MAX_INPUTS; i++)
    {
      values_clear (&b->in[i]);
      values_clear (&b->gradient[i]);
    }
  values_clear (&b->out);
  values_clear (&b->d_out);
  values_clear (&b->saved[0]);
  values_clear (&b->saved[1]);
  g_free (b);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Buffers, buffers_free)

/* What a kernel did not write itself in the memory of this thread is no number. */
static void
spoil_scratch (void)
{
  for (SngCpuScratchUse use = 0; use < SNG_CPU_N_SCRATCHES; use++)
    memset (sng_cpu_scratch (use, 1 << 20), 0xff, 1 << 20);
}

static Buffers *
run (const Case *c, const SngKernels *kernels, guint n_threads)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  Buffers *b = buffers_new (c, kernels);

  spoil_scratch ();
  c->forward (kernels, device, b);
  spoil_scratch ();
  c->backward (kernels, device, b);
  return b;
}

/* The sum of output * d_output, whose gradients backward computes. */
static double
product (const Case *c, SngDevice *device, const Buffers *b, const Values *d_out)
{
  double total = 0;

  c->forward (sng_cpu_math_get ()->f64, device, b);
  for (gsize i = 0; i < c->n_out; i++)
    total += values_get (&b->out, i) * values_get (d_out, i);
  return total;
}

/* How far the gradient of an input is from central differences, as a share of its norm. Backward may have changed d_out. */
static double
gradient_error (const Case *c, const Buffers *b, guint input)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (GRand) rand = g_rand_new_with_seed (99);
  g_auto (Values) d_out = values_random (SNG_DTYPE_F64, c->n_out, 20);
  double difference = 0, norm = 0;

  for (guint sample = 0; sample < N_SAMPLES; sample++)
    {
      gsize i = (gsize) g_rand_int_range (rand, 0, (gint32) c->n_in[input]);
      double before = values_get (&b->in[input], i);
      double above, below, numeric, analytic = values_get (&b->gradient[input], i);

      values_set (&b->in[input], i, before + STEP);
      above = product (c, device, b, &d_out);
      values_set (&b->in[input], i, before - STEP);
      below = product (c, device, b, &d_out);
      values_set (&b->in[input], i, before);
      numeric = (above - below) / (2 * STEP);
      difference += (numeric - analytic) * (numeric - analytic);
      norm += numeric * numeric;
    }
  return sqrt (difference / norm);
}

/* The wrong gradients that the judge must refuse: of the wrong sign, a little too long, and one of another place. */
static void
test_gradient (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) b = run (c, sng_cpu_math_get ()->f64, 2);

  for (guint input = 0; input < MAX_INPUTS && c->n_in[input] > 0; input++)
    {
      double *gradient = b->gradient[input].data;
      double error = gradient_error (c, b, input);
      gsize n = c->n_in[input];

      g_test_message ("input %u: %.1e", input, error);
      g_assert_cmpfloat (error, <, GRADIENT_TOLERANCE);

      for (gsize i = 0; i < n; i++)
        gradient[i] = -gradient[i];
      g_assert_cmpfloat (gradient_error (c, b, input), >, GRADIENT_TOLERANCE);
      for (gsize i = 0; i < n; i++)
        gradient[i] *= -(1 + 1e-5);
      g_assert_cmpfloat (gradient_error (c, b, input), >, GRADIENT_TOLERANCE);
      for (gsize i = 0; i + 1 < n; i++)
        gradient[i] = gradient[i + 1];
      g_assert_cmpfloat (gradient_error (c, b, input), >, GRADIENT_TOLERANCE);
    }
}

/* Values within the tolerance of a dtype, which would not be if they were off by four tolerances. */
static void
assert_close (const char *what, SngDtype dtype, const Values *values, const Values *exact)
{
  double tolerance = dtype == SNG_DTYPE_BF16  ? BF16_TOLERANCE
                     : dtype == SNG_DTYPE_F16 ? F16_TOLERANCE
                                              : F32_TOLERANCE;
  g_auto (Values) wrong = values_new (SNG_DTYPE_F64, values->n);
  double error = values_difference (values, exact);

  g_test_message ("%s: %.1e", what, error);
  g_assert_cmpfloat (error, <, tolerance);
  for (gsize i = 0; i < values->n; i++)
    values_set (&wrong, i, values_get (values, i) * (1 + 4 * tolerance));
  g_assert_cmpfloat (values_difference (&wrong, exact), >, tolerance);
}

static void
test_precision (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) exact = run (c, sng_cpu_math_get ()->f64, 2);

  for (guint k = 0; cpu_math_kernels (k)->real != SNG_DTYPE_F64; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      g_autoptr (Buffers) b = run (c, kernels, 2);

      g_test_message ("operands of dtype %s", sng_dtype_get_name (kernels->operand));
      assert_close ("output", c->composed ? kernels->operand : b->out.dtype, &b->out, &exact->out);
      for (guint i = 0; i < MAX_INPUTS && c->n_in[i] > 0; i++)
        assert_close ("gradient", c->composed ? kernels->operand : b->gradient[i].dtype, &b->gradient[i],
                      &exact->gradient[i]);
    }
}

static gboolean
values_equal (const Values *a, const Values *b)
{
  return a->n == b->n && a->dtype == b->dtype
         && memcmp (a->data, b->data, a->n * sng_dtype_get_size (a->dtype)) == 0;
}

static gboolean
same_bits (const Buffers *a, const Buffers *b)
{
  gboolean same = values_equal (&a->out, &b->out) && values_equal (&a->saved[0], &b->saved[0])
                  && values_equal (&a->saved[1], &b->saved[1]);

  for (guint i = 0; i < MAX_INPUTS; i++)
    same &= values_equal (&a->gradient[i], &b->gradient[i]);
  return same;
}

/* One bit anywhere is a difference. */
static void
assert_same_bits (const Buffers *a, Buffers *b)
{
  guint8 *last = (guint8 *) b->out.data + b->out.n * sng_dtype_get_size (b->out.dtype) - 1;
  guint8 *first = b->gradient[0].data;

  g_assert_true (same_bits (a, b));
  *last ^= 1;
  g_assert_false (same_bits (a, b));
  *last ^= 1;
  *first ^= 1;
  g_assert_false (same_bits (a, b));
}

static void
assert_same_table (const Case *c, const SngKernels *plain, const SngKernels *other)
{
  g_autoptr (Buffers) expected = run (c, plain, 2);
  g_autoptr (Buffers) found = run (c, other, 2);

  g_assert_true (plain != other && plain->operand == other->operand);
  assert_same_bits (expected, found);
}

static void
test_same_bits (gconstpointer data)
{
  const Case *c = data;
  const SngDeviceMath *plain = sng_cpu_math_get_variant (0), *variant;

  if (sng_cpu_math_get () == plain)
    {
      g_test_skip ("needs a processor with AVX2");
      return;
    }
  for (guint i = 1; (variant = sng_cpu_math_get_variant (i)) != NULL; i++)
    {
      assert_same_table (c, plain->f32, variant->f32);
      assert_same_table (c, plain->bf16, variant->bf16);
      assert_same_table (c, plain->f16, variant->f16);
    }
}

/* Any number of threads yields the same bits. */
static void
test_threads (gconstpointer data)
{
  const Case *c = data;

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      g_autoptr (Buffers) one = run (c, cpu_math_kernels (k), 1);

      for (guint n_threads = 2; n_threads <= 4; n_threads++)
        {
          g_autoptr (Buffers) several = run (c, cpu_math_kernels (k), n_threads);

          assert_same_bits (one, several);
        }
    }
}

void
cpu_math_add_cases (const char *suite, const Case *cases, guint n_cases)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } judges[] = {
    { "gradient", test_gradient },
    { "precision", test_precision },
    { "same-bits", test_same_bits },
    { "threads", test_threads },
  };

  for (guint i = 0; i < n_cases; i++)
    for (guint j = 0; j < G_N_ELEMENTS (judges); j++)
      {
        g_autofree char *path = g_strdup_printf ("/sng/%s/%s/%s", suite, cases[i].name, judges[j].name);

        g_test_add_data_func (path, &cases[i], judges[j].func);
      }
}
