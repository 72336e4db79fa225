/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "repeat-fixture.h"

#include <math.h>
#include <string.h>

/* Attention on both sides. Sequences of one token, of a few, of one tile of the kernels, of one more, and of two tiles and
 * a bit, with a sequence without tokens among them. */

static const gsize lengths[] = { 1, 7, 0, 64, 65, 130 };

#define N_SEQUENCES G_N_ELEMENTS (lengths)
#define N_ROWS 267
#define N_HEADS 2
#define FIRST_ORDINAL 0x123456789a /* with both halves */

/* No kernel may write beside its rows. */
#define GUARD 64
#define GUARD_VALUE 0.5

typedef struct
{
  const char *name;
  guint table;
  gsize head_size;
  gboolean causal;
  gboolean masked;
  gboolean drops;
  double scale; /* 0: that of the head size */
} Case;

/* One pass on both sides. */
typedef struct
{
  SngAttention host;
  SngAttention device;
  Twin mask;
  Twin first_ordinal;
  Twin qkv;
  Twin d_output;
  Twin output;
  Twin log_sum_exp;
  Twin d_qkv;
  TwinRows *rows;
} Pass;

static Twin
new_guarded (SngDtype dtype, gsize n)
{
  Twin twin = twin_new (dtype, n + 2 * GUARD);

  for (gsize i = 0; i < twin.n; i++)
    twin_set (&twin, i, GUARD_VALUE);
  twin_upload (&twin);
  return twin;
}

/* Where the array behind the first guard is, on either side. */
static gpointer
inside (const Twin *twin, gboolean device)
{
  return (guint8 *) (device ? twin->device : twin->host) + GUARD * sng_dtype_get_size (twin->dtype);
}

/* A third of the keys is hidden, and all of the sequence of 7 tokens; with causal also what the first queries of others see. */
static Twin
new_mask (void)
{
  Twin twin = twin_new (SNG_DTYPE_I64, N_ROWS);

  for (gsize row = 0; row < N_ROWS; row++)
    twin_set (&twin, row, row >= 8 && row * 7 % 3 != 0 && row % 65 > 9);
  twin_upload (&twin);
  return twin;
}

static void
describe (SngAttention *op, const Pass *pass, const Case *c, gboolean device)
{
  *op = (SngAttention){
    .rows = device ? pass->rows->device : pass->rows->host,
    .n_heads = N_HEADS,
    .head_size = c->head_size,
    .scale = c->scale != 0 ? c->scale : 1 / sqrt ((double) c->head_size),
    .causal = c->causal,
    .mask = !c->masked ? NULL
            : device   ? pass->mask.device
                       : pass->mask.host,
    .dropout = { .rate = c->drops ? 0.3 : 0,
                 .key = 0x0123456789abcdef,
                 .first_ordinal = device ? pass->first_ordinal.device : pass->first_ordinal.host,
                 .operation = 77 },
    .qkv = device ? pass->qkv.device : pass->qkv.host,
    .d_output = device ? pass->d_output.device : pass->d_output.host,
    .output = inside (&pass->output, device),
    .log_sum_exp = inside (&pass->log_sum_exp, device),
    .d_qkv = inside (&pass->d_qkv, device),
  };
}

static void
pass_init (Pass *pass, const Case *c)
{
  SngDtype operand = twin_cpu_kernels (c->table)->operand;
  gsize n = N_ROWS * N_HEADS * c->head_size;
  guint64 first_ordinal = FIRST_ORDINAL;
  gint64 bits;

  memcpy (&bits, &first_ordinal, sizeof bits);
  pass->rows = twin_rows_new (lengths, N_SEQUENCES);
  g_assert_cmpuint (pass->rows->host.n_rows, ==, N_ROWS);
  pass->first_ordinal = twin_from (SNG_DTYPE_I64, 1, &bits);
  pass->mask = new_mask ();
  pass->qkv = twin_random (operand, 3 * n, 1);
  pass->d_output = twin_random (operand, n, 2);
  pass->output = new_guarded (operand, n);
  pass->log_sum_exp = new_guarded (SNG_DTYPE_F32, N_HEADS * N_ROWS);
  pass->d_qkv = new_guarded (operand, 3 * n);
  describe (&pass->host, pass, c, FALSE);
  describe (&pass->device, pass, c, TRUE);
}

static void
pass_clear (Pass *pass)
{
  twin_clear (&pass->mask);
  twin_clear (&pass->first_ordinal);
  twin_clear (&pass->qkv);
  twin_clear (&pass->d_output);
  twin_clear (&pass->output);
  twin_clear (&pass->log_sum_exp);
  twin_clear (&pass->d_qkv);
  g_clear_pointer (&pass->rows, twin_rows_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pass, pass_clear)

static void
run_host (const Pass *pass, const Case *c)
{
  twin_cpu_kernels (c->table)->attention_forward (twin_cpu (), &pass->host);
  twin_cpu_kernels (c->table)->attention_backward (twin_cpu (), &pass->host);
}

static void
forward_and_backward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  Pass *pass = data;

  kernels->attention_forward (device, &pass->device);
  kernels->attention_backward (device, &pass->device);
}

static void
run_device (Pass *pass, const Case *c)
{
  forward_and_backward (twin_cuda_kernels (c->table), twin_cuda (), pass);
}

/* The device's side, as numbers. */
static Twin
take_device (const Twin *twin)
{
  g_autoptr (GBytes) bytes = twin_dup_device_bytes (twin);

  return twin_from (twin->dtype, twin->n, g_bytes_get_data (bytes, NULL));
}

/* The largest L2 norm of a difference of n numbers side by side, among those from first on in steps of stride; as a share of
 * what the norm of such n numbers is on average, so that little rows are not held to more than was rounded in their sums. */
static double
worst_row (const Twin *host, const Twin *device, gsize first, gsize stride, gsize n)
{
  double worst = 0, norm = 0;
  gsize n_rows = 0;

  for (gsize at = GUARD + first; at + n <= host->n - GUARD; at += stride, n_rows++)
    {
      double difference = 0;

      for (gsize i = at; i < at + n; i++)
        {
          difference += pow (twin_get (device, i) - twin_get (host, i), 2);
          norm += pow (twin_get (host, i), 2);
        }
      worst = !(difference <= worst) ? difference : worst; /* NaN stays */
    }
  return sqrt (worst / (norm / (double) n_rows));
}

static void
check_guards (const Twin *device)
{
  for (gsize i = 0; i < GUARD; i++)
    {
      g_assert_cmpfloat (twin_get (device, i), ==, GUARD_VALUE);
      g_assert_cmpfloat (twin_get (device, device->n - 1 - i), ==, GUARD_VALUE);
    }
}

/* What came out on either side, and what comes out in f64 without any rounding to operands. */
typedef struct
{
  Twin exact;
  Twin host; /* not owned */
  Twin device;
} Result;

static void
result_clear (Result *result)
{
  twin_clear (&result->exact);
  twin_clear (&result->device);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static Twin
widen (const Twin *twin)
{
  Twin wide = twin_new (SNG_DTYPE_F64, twin->n);

  for (gsize i = 0; i < twin->n; i++)
    twin_set (&wide, i, twin_get (twin, i));
  return wide;
}

static void
run_exact (const Pass *pass, Result *output, Result *log_sum_exp, Result *d_qkv)
{
  const SngKernels *kernels = SNG_DEVICE_GET_CLASS (twin_cpu ())->math->f64;
  g_auto (Twin) qkv = widen (&pass->qkv);
  g_auto (Twin) d_output = widen (&pass->d_output);
  SngAttention op = pass->host;

  *output = (Result){ widen (&pass->output), pass->output, take_device (&pass->output) };
  *log_sum_exp = (Result){ widen (&pass->log_sum_exp), pass->log_sum_exp, take_device (&pass->log_sum_exp) };
  *d_qkv = (Result){ widen (&pass->d_qkv), pass->d_qkv, take_device (&pass->d_qkv) };
  op.qkv = qkv.host;
  op.d_output = d_output.host;
  op.output = inside (&output->exact, FALSE);
  op.log_sum_exp = inside (&log_sum_exp->exact, FALSE);
  op.d_qkv = inside (&d_qkv->exact, FALSE);
  kernels->attention_forward (twin_cpu (), &op);
  kernels->attention_backward (twin_cpu (), &op);
}

/* The device rounds what the host rounds: probabilities and their gradients to operands, although with another reference and
 * so at other places, and the results. So its worst row may be as far from the exact one as the host's, or twice as far, since
 * which row is the worst is chance; and where nothing is rounded to operands, there is still the order of sums in f32. */
static void
check_rows (const Case *c, const Result *result, const char *what, gsize part, gsize n_parts)
{
  gsize width = N_HEADS * c->head_size;

  for (gsize head = 0; head < N_HEADS; head++)
    {
      gsize first = part * width + head * c->head_size;
      double host = worst_row (&result->exact, &result->host, first, n_parts * width, c->head_size);
      double device = worst_row (&result->exact, &result->device, first, n_parts * width, c->head_size);

      g_test_message ("%s of head %u of %s: %.1e, on the host %.1e", what, (guint) head, c->name, device,
                      host);
      if (!(device < 2 * host + 2e-6))
        g_error ("%s of head %u of %s is off by %.1e, on the host by %.1e", what, (guint) head, c->name,
                 device, host);
    }
}

/* The log of the sum is f32 throughout: four units of its last place, or of that of the scores around it. */
static void
check_pass (const Pass *pass, const Case *c)
{
  g_auto (Result) output = { 0 };
  g_auto (Result) log_sum_exp = { 0 };
  g_auto (Result) d_qkv = { 0 };

  run_exact (pass, &output, &log_sum_exp, &d_qkv);
  check_guards (&output.device);
  check_guards (&log_sum_exp.device);
  check_guards (&d_qkv.device);
  check_rows (c, &output, "output", 0, 1);
  check_rows (c, &d_qkv, "d_query", 0, 3);
  check_rows (c, &d_qkv, "d_key", 1, 3);
  check_rows (c, &d_qkv, "d_value", 2, 3);
  for (gsize i = 0; i < log_sum_exp.device.n; i++)
    {
      double exact = twin_get (&log_sum_exp.exact, i);

      g_assert_cmpfloat_with_epsilon (twin_get (&log_sum_exp.device, i), exact,
                                      5e-7 * MAX (fabs (exact), 16));
    }
}

static const Case cases[] = {
  { "f32, 4", 0, 4, TRUE, TRUE, TRUE },
  { "f32, 20", 0, 20, FALSE, FALSE, FALSE },
  { "f32, 64", 0, 64, TRUE, FALSE, TRUE },
  { "f32, 136", 0, 136, FALSE, TRUE, TRUE },
  { "bf16, 4", 1, 4, FALSE, TRUE, FALSE },
  { "bf16, 16", 1, 16, TRUE, FALSE, TRUE },
  { "bf16, 20", 1, 20, TRUE, TRUE, TRUE },
  { "bf16, 32", 1, 32, FALSE, TRUE, TRUE },
  { "bf16, 33", 1, 33, FALSE, FALSE, FALSE },
  { "bf16, 64", 1, 64, FALSE, FALSE, TRUE },
  { "bf16, 128", 1, 128, TRUE, TRUE, TRUE },
  { "bf16, 136", 1, 136, TRUE, TRUE, TRUE },
  { "f16, 16", 2, 16, FALSE, TRUE, TRUE },
  { "f16, 32", 2, 32, TRUE, FALSE, FALSE },
  { "f16, 64", 2, 64, TRUE, TRUE, TRUE },
  { "f16, 128", 2, 128, FALSE, FALSE, FALSE },
  { "f16, 136", 2, 136, FALSE, FALSE, FALSE },
  /* nearly all of a row's weight is one key's, and which one changes as keys pass */
  { "bf16, 32, steep", 1, 32, FALSE, FALSE, TRUE, 3 },
  { "f32, 16, steep", 0, 16, TRUE, FALSE, FALSE, 3 },
  { "f16, 16, negative", 2, 16, TRUE, FALSE, FALSE, -0.5 },
};

static void
test_twin (gconstpointer data)
{
  const Case *c = data;
  g_auto (Pass) pass = { 0 };

  pass_init (&pass, c);
  run_host (&pass, c);
  run_device (&pass, c);
  check_pass (&pass, c);
}

/* What the queries that see no key yield is zeros, not only little. */
static void
test_no_keys (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      const Case c = { "no keys", table, 16, TRUE, TRUE, FALSE };
      g_auto (Pass) pass = { 0 };
      g_auto (Twin) output = { 0 };
      g_auto (Twin) d_qkv = { 0 };
      gsize n = N_HEADS * c.head_size, n_unseen = 0;

      pass_init (&pass, &c);
      run_host (&pass, &c);
      run_device (&pass, &c);
      output = take_device (&pass.output);
      d_qkv = take_device (&pass.d_qkv);
      for (gsize row = 0; row < N_ROWS; row++)
        if (twin_get (&pass.log_sum_exp, GUARD + row) == 0)
          {
            n_unseen++;
            for (gsize i = 0; i < n; i++)
              {
                g_assert_cmpfloat (twin_get (&output, GUARD + row * n + i), ==, 0);
                g_assert_cmpfloat (twin_get (&d_qkv, GUARD + 3 * row * n + i), ==, 0);
              }
          }
      g_assert_cmpuint (n_unseen, >, 8);
      for (gsize row = 0; row < N_ROWS; row++)
        for (gsize i = n; twin_get (&pass.mask, row) == 0 && i < 3 * n; i++)
          g_assert_cmpfloat (twin_get (&d_qkv, GUARD + 3 * row * n + i), ==, 0);
    }
}

/* A key that nobody sees may have a score so far above the others' that its exponential is infinite. */
static void
test_hidden_peak (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    for (gsize head_size = 16; head_size <= 136; head_size += 120)
      {
        const Case c = { "hidden peak", table, head_size, FALSE, TRUE, FALSE, 1 };
        g_auto (Pass) pass = { 0 };

        pass_init (&pass, &c);
        for (gsize i = 0; i < pass.qkv.n; i++)
          {
            gsize row = i / (3 * N_HEADS * head_size), part = i / (N_HEADS * head_size) % 3;

            if (part == 0)
              twin_set (&pass.qkv, i, 1 + twin_get (&pass.qkv, i) / 8);
            else if (part == 1 && twin_get (&pass.mask, row) == 0)
              twin_set (&pass.qkv, i, 30);
          }
        twin_upload (&pass.qkv);
        run_host (&pass, &c);
        run_device (&pass, &c);
        check_pass (&pass, &c);
      }
}

/* With all scores equal, and values and gradients that name a key or a query each, an element of output and of d_value is
 * one decision of dropout: 0, or not. */
static void
name_tokens (const Twin *twin, const SngRows *rows, gsize head_size, gsize part, gsize n_parts)
{
  for (gsize row = 0; row < rows->n_rows; row++)
    for (gsize i = 0; i < N_HEADS * head_size; i++)
      twin_set (twin, (row * n_parts + part) * N_HEADS * head_size + i,
                (gint64) (i % head_size) == rows->tokens[row]);
}

static void
check_decisions (const Twin *host, const Twin *device, gsize *n_dropped)
{
  for (gsize i = 0; i < host->n; i++)
    {
      g_assert_cmpint (twin_get (host, i) == 0, ==, twin_get (device, i) == 0);
      *n_dropped += twin_get (host, i) == 0;
    }
}

static void
test_dropout (void)
{
  static const Case these[] = {
    { "f32", 0, 136, FALSE, FALSE, TRUE, 1e-30 }, { "bf16", 1, 128, FALSE, FALSE, TRUE, 1e-30 },
    { "bf16", 1, 64, FALSE, FALSE, TRUE, 1e-30 }, { "f16", 2, 136, FALSE, FALSE, TRUE, 1e-30 },
    { "f16", 2, 16, FALSE, FALSE, TRUE, 1e-30 },
  };

  for (guint k = 0; k < G_N_ELEMENTS (these); k++)
    {
      const Case *c = &these[k];
      g_auto (Pass) pass = { 0 };
      g_auto (Twin) output = { 0 };
      g_auto (Twin) d_qkv = { 0 };
      gsize n_dropped = 0;

      pass_init (&pass, c);
      name_tokens (&pass.qkv, &pass.rows->host, c->head_size, 2, 3);
      name_tokens (&pass.d_output, &pass.rows->host, c->head_size, 0, 1);
      twin_upload (&pass.qkv);
      twin_upload (&pass.d_output);
      run_host (&pass, c);
      run_device (&pass, c);
      output = take_device (&pass.output);
      check_decisions (&pass.output, &output, &n_dropped);
      g_assert_cmpuint (n_dropped, >, 1000);

      /* the two other parts are around 1e-30, or 0 where operands have none so small */
      d_qkv = take_device (&pass.d_qkv);
      for (gsize row = 0; row < N_ROWS; row++)
        for (gsize i = 0; i < N_HEADS * c->head_size; i++)
          {
            gsize at = GUARD + (3 * row + 2) * N_HEADS * c->head_size + i;

            g_assert_cmpint (twin_get (&pass.d_qkv, at) == 0, ==, twin_get (&d_qkv, at) == 0);
          }
    }
}

/* A row of gradients of scores adds up to 0, so that what all keys have in common does not reach the gradient of the query:
 * here keys and values are 4 plus something smaller. With the sum over the rounded output it would. */
static void
test_common_key (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    for (gsize head_size = 16; head_size <= 136; head_size += 120)
      {
        const Case c = { "common key", table, head_size, FALSE, FALSE, FALSE };
        g_auto (Pass) pass = { 0 };

        pass_init (&pass, &c);
        for (gsize i = 0; i < pass.qkv.n; i++)
          if (i / (N_HEADS * head_size) % 3 != 0)
            twin_set (&pass.qkv, i, 4 + twin_get (&pass.qkv, i) / 2);
        twin_upload (&pass.qkv);
        run_host (&pass, &c);
        run_device (&pass, &c);
        check_pass (&pass, &c);
      }
}

static void
test_repeat (void)
{
  static const Case these[] = {
    { "f32", 0, 20, TRUE, TRUE, TRUE },
    { "bf16", 1, 32, TRUE, TRUE, TRUE },
    { "f16", 2, 64, FALSE, FALSE, TRUE },
  };

  for (guint k = 0; k < G_N_ELEMENTS (these); k++)
    {
      g_auto (Pass) pass = { 0 };
      Twin *const outputs[] = { &pass.output, &pass.log_sum_exp, &pass.d_qkv, NULL };

      pass_init (&pass, &these[k]);
      repeat_on_cuda (these[k].table, forward_and_backward, &pass, outputs);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda-attention/twin/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_twin);
    }
  g_test_add_func ("/sng/cuda-attention/no-keys", test_no_keys);
  g_test_add_func ("/sng/cuda-attention/hidden-peak", test_hidden_peak);
  g_test_add_func ("/sng/cuda-attention/dropout", test_dropout);
  g_test_add_func ("/sng/cuda-attention/common-key", test_common_key);
  g_test_add_func ("/sng/cuda-attention/repeat", test_repeat);
  return g_test_run ();
}
