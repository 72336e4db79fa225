/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "repeat-fixture.h"

#include <string.h>

/* What products of operands are summed to as reals, and what is not rounded to operands. */
#define REAL_TOLERANCE 4e-6

/* A layer on both sides, with all the ends that it can have; a case takes some of them. */
typedef struct
{
  const SngKernels *kernels[2]; /* of the CPU and of CUDA */
  double tolerance;             /* of operands */
  gboolean transposed;
  gsize n_inputs;
  gsize n_outputs;
  gsize offset; /* elements before each array, so that 1 leaves no address aligned */
  TwinRows *rows;
  Twin ordinal;
  Twin input;
  Twin weight;
  Twin bias;
  Twin residual;
  Twin d_output;
  Twin before_gelu;
} Layer;

typedef struct
{
  guint table;
  gboolean transposed;
  gsize n_inputs;
  gsize n_outputs;
  const char *lengths; /* of the sequences */
  gsize offset;
} Size;

/* Multiples of what a load takes, and none; the vocabulary of ESM-2; more rows than one block sums. */
static const Size sizes[] = {
  { 0, FALSE, 32, 48, "7 1 12", 0 },    { 0, TRUE, 19, 33, "5 8", 0 },        { 0, FALSE, 36, 40, "9", 1 },
  { 1, TRUE, 32, 48, "7 1 12", 0 },     { 1, FALSE, 64, 33, "5 8", 0 },       { 1, FALSE, 36, 40, "9", 1 },
  { 2, FALSE, 32, 48, "7 1 12", 0 },    { 2, TRUE, 19, 35, "70 3", 0 },       { 2, TRUE, 36, 40, "9", 1 },
  { 0, FALSE, 8, 33, "300 260 41", 0 }, { 1, TRUE, 8, 272, "300 260 41", 0 }, { 2, FALSE, 8, 40, "256", 0 },
};

static gsize
count_rows (const Layer *layer)
{
  return layer->rows->host.n_rows;
}

static TwinRows *
parse_rows (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gsize lengths[8], n = g_strv_length (words);

  g_assert_cmpuint (n, <=, G_N_ELEMENTS (lengths));
  for (gsize i = 0; i < n; i++)
    lengths[i] = g_ascii_strtoull (words[i], NULL, 10);
  return twin_rows_new (lengths, n);
}

static void
layer_init (Layer *layer, const Size *size)
{
  const guint64 ordinal = 5;
  SngDtype operand;

  *layer = (Layer){
    .kernels = { twin_cpu_kernels (size->table), twin_cuda_kernels (size->table) },
    .transposed = size->transposed,
    .n_inputs = size->n_inputs,
    .n_outputs = size->n_outputs,
    .offset = size->offset,
    .rows = parse_rows (size->lengths),
  };
  operand = layer->kernels[0]->operand;
  layer->tolerance = twin_tolerance (layer->kernels[0]);
  layer->ordinal = twin_from (SNG_DTYPE_I64, 1, &ordinal);
  layer->input = twin_random (operand, layer->offset + count_rows (layer) * layer->n_inputs, 1);
  layer->weight = twin_random (operand, layer->offset + layer->n_inputs * layer->n_outputs, 2);
  layer->bias = twin_random (SNG_DTYPE_F32, layer->offset + layer->n_outputs, 3);
  /* no numbers of an operand's type */
  for (gsize i = 0; i < layer->bias.n; i++)
    twin_set (&layer->bias, i, twin_get (&layer->bias, i) * 1.0037);
  twin_upload (&layer->bias);
  layer->residual = twin_random (SNG_DTYPE_F32, layer->offset + count_rows (layer) * layer->n_outputs, 4);
  layer->d_output = twin_random (operand, layer->offset + count_rows (layer) * layer->n_outputs, 5);
  layer->before_gelu = twin_random (operand, layer->offset + count_rows (layer) * layer->n_inputs, 6);
}

static void
layer_clear (Layer *layer)
{
  twin_clear (&layer->ordinal);
  twin_clear (&layer->input);
  twin_clear (&layer->weight);
  twin_clear (&layer->bias);
  twin_clear (&layer->residual);
  twin_clear (&layer->d_output);
  twin_clear (&layer->before_gelu);
  twin_rows_free (layer->rows);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Layer, layer_clear)

/* Room for a result of n elements, where something lies that must go. */
static Twin
new_result (const Layer *layer, SngDtype dtype, gsize n)
{
  return twin_random (dtype, layer->offset + n, 7);
}

static Twin
new_copy (const Twin *twin)
{
  return twin_from (twin->dtype, twin->n, twin->host);
}

static gpointer
place (const Layer *layer, const Twin *twin, gboolean cuda)
{
  if (twin->n == 0)
    return NULL;
  return (char *) (cuda ? twin->device : twin->host) + layer->offset * sng_dtype_get_size (twin->dtype);
}

static SngLinear
describe (const Layer *layer, gboolean cuda)
{
  return (SngLinear){
    .rows = cuda ? layer->rows->device : layer->rows->host,
    .n_inputs = layer->n_inputs,
    .n_outputs = layer->n_outputs,
    .transposed = layer->transposed,
    .input = place (layer, &layer->input, cuda),
    .weight = place (layer, &layer->weight, cuda),
    .bias = place (layer, &layer->bias, cuda),
    .d_output = place (layer, &layer->d_output, cuda),
    .dropout = {
      .key = 0x1234567890abcdef,
      .first_ordinal = cuda ? layer->ordinal.device : layer->ordinal.host,
      .operation = 3,
    },
  };
}

static void
run (const Layer *layer, gboolean cuda, const SngLinear *op, gboolean backward)
{
  SngDevice *device = cuda ? twin_cuda () : twin_cpu ();
  g_autoptr (GError) error = NULL;

  if (backward)
    layer->kernels[cuda]->linear_backward (device, op);
  else
    layer->kernels[cuda]->linear_forward (device, op);
  SNG_DEVICE_GET_CLASS (device)->check (device, &error);
  g_assert_no_error (error);
}

static double
tolerance_of (const Layer *layer, const Twin *twin)
{
  return twin->dtype == SNG_DTYPE_F32 ? REAL_TOLERANCE : layer->tolerance;
}

static void
check_output (const Layer *layer, gboolean real, gboolean bias, int gelu_kind)
{
  SngDtype dtype = real ? SNG_DTYPE_F32 : layer->kernels[0]->operand;
  g_auto (Twin) output = new_result (layer, dtype, count_rows (layer) * layer->n_outputs);
  g_auto (Twin) gelu = new_result (layer, dtype, count_rows (layer) * layer->n_outputs);

  for (int cuda = 0; cuda < 2; cuda++)
    {
      SngLinear op = describe (layer, cuda);

      op.output = place (layer, &output, cuda);
      op.real_output = real;
      if (!bias)
        op.bias = NULL;
      if (gelu_kind >= 0)
        {
          op.gelu = place (layer, &gelu, cuda);
          op.gelu_kind = (SngGeluKind) gelu_kind;
        }
      run (layer, cuda, &op, FALSE);
    }
  twin_check (&output, tolerance_of (layer, &output), bias ? "output with bias" : "output");
  twin_check (&gelu, tolerance_of (layer, &gelu), "gelu");
}

static void
test_output (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_auto (Layer) layer = { 0 };

      layer_init (&layer, &sizes[i]);
      for (int real = 0; real < 2; real++)
        {
          check_output (&layer, real, FALSE, -1);
          check_output (&layer, real, TRUE, -1);
          check_output (&layer, real, TRUE, SNG_GELU_ERF);
          check_output (&layer, real, TRUE, SNG_GELU_TANH);
        }
    }
}

static void
check_stream (const Layer *layer, gboolean in_place, gboolean bias, double rate)
{
  g_auto (Twin) stream = in_place ? new_copy (&layer->residual)
                                  : new_result (layer, SNG_DTYPE_F32, count_rows (layer) * layer->n_outputs);

  for (int cuda = 0; cuda < 2; cuda++)
    {
      SngLinear op = describe (layer, cuda);

      op.stream = place (layer, &stream, cuda);
      op.residual = in_place ? op.stream : place (layer, &layer->residual, cuda);
      op.dropout.rate = rate;
      if (!bias)
        op.bias = NULL;
      run (layer, cuda, &op, FALSE);
    }
  twin_check (&stream, REAL_TOLERANCE, in_place ? "stream in place" : "stream");
}

static void
test_stream (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_auto (Layer) layer = { 0 };

      layer_init (&layer, &sizes[i]);
      for (int in_place = 0; in_place < 2; in_place++)
        for (int bias = 0; bias < 2; bias++)
          {
            check_stream (&layer, in_place, bias, 0);
            check_stream (&layer, in_place, bias, 0.4);
          }
    }
}

typedef enum
{
  INTO_NOTHING,
  INTO_OPERAND,
  INTO_REAL,
  INTO_BEFORE_GELU
} Into;

/* Gradients of parameters are added to what is there. */
static void
check_backward (const Layer *layer, Into into, int gelu_kind, gboolean bias)
{
  SngDtype dtype = into == INTO_REAL ? SNG_DTYPE_F32 : layer->kernels[0]->operand;
  g_auto (Twin) d_input = into == INTO_BEFORE_GELU
                              ? new_copy (&layer->before_gelu)
                              : new_result (layer, dtype, count_rows (layer) * layer->n_inputs);
  g_auto (Twin) d_weight = new_result (layer, SNG_DTYPE_F32, layer->n_inputs * layer->n_outputs);
  g_auto (Twin) d_bias = new_result (layer, SNG_DTYPE_F32, layer->n_outputs);

  for (int cuda = 0; cuda < 2; cuda++)
    {
      SngLinear op = describe (layer, cuda);

      op.d_input = into != INTO_NOTHING ? place (layer, &d_input, cuda) : NULL;
      op.real_d_input = into == INTO_REAL;
      op.d_weight = place (layer, &d_weight, cuda);
      op.d_bias = bias ? place (layer, &d_bias, cuda) : NULL;
      if (gelu_kind >= 0)
        {
          op.before_gelu = into == INTO_BEFORE_GELU ? op.d_input : place (layer, &layer->before_gelu, cuda);
          op.gelu_kind = (SngGeluKind) gelu_kind;
        }
      run (layer, cuda, &op, TRUE);
    }
  twin_check (&d_input, tolerance_of (layer, &d_input), "d_input");
  twin_check (&d_weight, REAL_TOLERANCE, "d_weight");
  twin_check (&d_bias, REAL_TOLERANCE, "d_bias");
}

static void
test_backward (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_auto (Layer) layer = { 0 };

      layer_init (&layer, &sizes[i]);
      check_backward (&layer, INTO_NOTHING, -1, TRUE);
      check_backward (&layer, INTO_OPERAND, -1, FALSE);
      check_backward (&layer, INTO_OPERAND, SNG_GELU_ERF, TRUE);
      check_backward (&layer, INTO_OPERAND, SNG_GELU_TANH, TRUE);
      check_backward (&layer, INTO_REAL, -1, TRUE);
      check_backward (&layer, INTO_REAL, SNG_GELU_ERF, FALSE);
      check_backward (&layer, INTO_BEFORE_GELU, SNG_GELU_ERF, TRUE);
      check_backward (&layer, INTO_BEFORE_GELU, SNG_GELU_TANH, TRUE);
    }
}

/* More blocks side by side than a grid may be high. */
static void
test_wide (void)
{
  static const Size size = { 0, FALSE, 1, 65535 * 32 + 1, "2", 0 };
  g_auto (Layer) layer = { 0 };

  layer_init (&layer, &size);
  check_backward (&layer, INTO_NOTHING, -1, TRUE);
}

/* At -3 both kinds differ by a tenth, and nothing but the bias is there. */
static void
test_gelu_kind (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      const Size size = { table, FALSE, 16, 24, "9", 0 };
      g_auto (Layer) layer = { 0 };

      layer_init (&layer, &size);
      for (gsize i = 0; i < layer.input.n; i++)
        twin_set (&layer.input, i, 0);
      for (gsize i = 0; i < layer.bias.n; i++)
        twin_set (&layer.bias, i, -3);
      for (gsize i = 0; i < layer.before_gelu.n; i++)
        twin_set (&layer.before_gelu, i, -3);
      twin_upload (&layer.input);
      twin_upload (&layer.bias);
      twin_upload (&layer.before_gelu);
      for (int kind = SNG_GELU_ERF; kind <= SNG_GELU_TANH; kind++)
        for (int real = 0; real < 2; real++)
          {
            check_output (&layer, real, TRUE, kind);
            check_backward (&layer, real ? INTO_REAL : INTO_OPERAND, kind, TRUE);
          }
    }
}

/* The next time that the emulator's cuBLASLt is asked for the way of a product, it has none. A real one has. */
static void
refuse_next_search (void)
{
  static int n;
  /* The emulator counts anew where the text differs. */
  g_autofree char *plan = g_strdup_printf ("cublasLtMatmulAlgoGetHeuristic:1:15%*s", ++n % 2, "");

  g_setenv ("SNG_EMULATOR_FAIL", plan, TRUE);
}

/* Then our own kernel takes its place. */
static void
test_no_way (void)
{
  static const Size odd_sizes[] = {
    { 0, FALSE, 71, 131, "66 1 22", 0 }, { 0, TRUE, 73, 131, "66 1 22", 1 },
    { 1, FALSE, 71, 131, "66 1 22", 0 }, { 1, TRUE, 73, 131, "66 1 22", 1 },
    { 2, FALSE, 73, 131, "66 1 22", 0 }, { 2, TRUE, 15, 16, "64", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (odd_sizes); i++)
    {
      g_auto (Layer) layer = { 0 };

      layer_init (&layer, &odd_sizes[i]);
      refuse_next_search ();
      check_output (&layer, FALSE, TRUE, -1);
      refuse_next_search ();
      check_output (&layer, TRUE, TRUE, -1);
      refuse_next_search ();
      check_stream (&layer, FALSE, TRUE, 0);
      refuse_next_search ();
      check_stream (&layer, TRUE, FALSE, 0.1);
      refuse_next_search ();
      check_backward (&layer, INTO_NOTHING, -1, TRUE);
      refuse_next_search ();
      check_backward (&layer, INTO_OPERAND, -1, TRUE);
      g_unsetenv ("SNG_EMULATOR_FAIL");
    }
}

static void
run_both (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  const SngLinear *op = data;

  kernels->linear_forward (device, op);
  kernels->linear_backward (device, op);
}

static void
test_repeat (void)
{
  static const Size repeated[] = { { 1, FALSE, 40, 264, "300 211 46", 0 }, { 0, TRUE, 21, 33, "30 8", 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (repeated); i++)
    {
      g_auto (Layer) layer = { 0 };
      g_auto (Twin) stream = { 0 }, d_input = { 0 }, d_weight = { 0 }, d_bias = { 0 };
      Twin *changed[] = { &stream, &d_input, &d_weight, &d_bias, NULL };
      SngLinear op;

      layer_init (&layer, &repeated[i]);
      stream = new_copy (&layer.residual);
      d_input = new_copy (&layer.before_gelu);
      d_weight = new_result (&layer, SNG_DTYPE_F32, layer.n_inputs * layer.n_outputs);
      d_bias = new_result (&layer, SNG_DTYPE_F32, layer.n_outputs);
      op = describe (&layer, TRUE);
      op.residual = op.stream = stream.device;
      op.dropout.rate = 0.25;
      op.before_gelu = op.d_input = d_input.device;
      op.d_weight = d_weight.device;
      op.d_bias = d_bias.device;
      repeat_on_cuda (repeated[i].table, run_both, &op, changed);
    }
}

typedef struct
{
  const Layer *layer;
  SngLinear op;
} Pass;

static void
run_pass (gpointer data)
{
  const Pass *pass = data;

  pass->layer->kernels[1]->linear_forward (twin_cuda (), &pass->op);
  pass->layer->kernels[1]->linear_backward (twin_cuda (), &pass->op);
}

/* Both passes as a graph, which is recorded and then played with another input. */
static void
test_graph (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      const Size size = { table, FALSE, 24, 88, "300 7", 0 };
      g_auto (Layer) layer = { 0 };
      g_auto (Twin) output = { 0 }, gelu = { 0 }, stream = { 0 }, d_input = { 0 }, d_weight = { 0 },
                    d_bias = { 0 };
      Pass pass = { .layer = &layer };
      SngLinear ops[2];

      layer_init (&layer, &size);
      output = new_result (&layer, layer.kernels[0]->operand, count_rows (&layer) * layer.n_outputs);
      gelu = new_result (&layer, layer.kernels[0]->operand, count_rows (&layer) * layer.n_outputs);
      stream = new_copy (&layer.residual);
      d_input = new_copy (&layer.before_gelu);
      d_weight = new_result (&layer, SNG_DTYPE_F32, layer.n_inputs * layer.n_outputs);
      d_bias = new_result (&layer, SNG_DTYPE_F32, layer.n_outputs);
      for (int cuda = 0; cuda < 2; cuda++)
        {
          ops[cuda] = describe (&layer, cuda);
          ops[cuda].output = place (&layer, &output, cuda);
          ops[cuda].gelu = place (&layer, &gelu, cuda);
          ops[cuda].residual = ops[cuda].stream = place (&layer, &stream, cuda);
          ops[cuda].dropout.rate = 0.2;
          ops[cuda].before_gelu = ops[cuda].d_input = place (&layer, &d_input, cuda);
          ops[cuda].d_weight = place (&layer, &d_weight, cuda);
          ops[cuda].d_bias = place (&layer, &d_bias, cuda);
        }
      pass.op = ops[1];

      for (int i = 0; i < 4; i++)
        {
          g_autoptr (GError) error = NULL;

          for (gsize j = 0; j < layer.input.n; j++)
            twin_set (&layer.input, j, (double) ((j * 7 + (gsize) i * 5) % 16) / 8 - 1);
          twin_upload (&layer.input);
          layer.kernels[0]->linear_forward (twin_cpu (), &ops[0]);
          layer.kernels[0]->linear_backward (twin_cpu (), &ops[0]);
          SNG_DEVICE_GET_CLASS (twin_cuda ())->run (twin_cuda (), &pass.op, sizeof pass.op, run_pass, &pass);
          SNG_DEVICE_GET_CLASS (twin_cuda ())->check (twin_cuda (), &error);
          g_assert_no_error (error);
          twin_check (&gelu, layer.tolerance, "gelu");
          twin_check (&stream, REAL_TOLERANCE, "stream");
          twin_check (&d_weight, REAL_TOLERANCE, "d_weight");
          twin_check (&d_bias, REAL_TOLERANCE, "d_bias");
        }
    }
}

/* A batch may have no rows. */
static void
test_no_rows (void)
{
  static const Size size = { 1, FALSE, 8, 16, "3", 0 };
  g_auto (Layer) layer = { 0 };
  g_auto (Twin) result = { 0 };
  g_autoptr (GBytes) before = NULL, after = NULL;
  SngLinear op;

  layer_init (&layer, &size);
  result = new_result (&layer, SNG_DTYPE_F32, layer.n_inputs * layer.n_outputs);
  op = describe (&layer, TRUE);
  op.rows.n_rows = 0;
  op.output = op.gelu = op.d_input = op.d_weight = op.d_bias = result.device;
  before = twin_dup_device_bytes (&result);
  run (&layer, TRUE, &op, FALSE);
  run (&layer, TRUE, &op, TRUE);
  after = twin_dup_device_bytes (&result);
  g_assert_true (g_bytes_equal (before, after));
}

/* Each half way between two operands goes to the even one, at any length and alignment. */
static void
test_narrow (void)
{
  for (guint table = 1; table < TWIN_N_TABLES; table++)
    for (gsize n = 0; n < 3000; n += n < 20 ? 1 : 977)
      for (gsize offset = 0; offset < 2; offset++)
        {
          const SngKernels *kernels[] = { twin_cpu_kernels (table), twin_cuda_kernels (table) };
          g_auto (Twin) reals = twin_random (SNG_DTYPE_F32, n + 1, 8);
          g_auto (Twin) operands = twin_random (kernels[0]->operand, n + 2, 9);

          for (gsize i = 0; i < n; i++)
            twin_set (&reals, i,
                      twin_get (&reals, i)
                          * (i % 3 == 0   ? 1 + 0x1p-8
                             : i % 3 == 1 ? 1 + 0x1p-11
                                          : 1.3));
          twin_upload (&reals);
          kernels[0]->narrow (twin_cpu (), n, (float *) reals.host + offset,
                              (guint16 *) operands.host + offset);
          kernels[1]->narrow (twin_cuda (), n, (float *) reals.device + offset,
                              (guint16 *) operands.device + offset);
          twin_check_equal (&operands, "narrow");
        }
}

/* What cuBLASLt says is the device's failure. */
static void
test_failure (void)
{
  static const Size size = { 1, FALSE, 24, 56, "3", 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_device_new ("cuda", &error);
  g_auto (Layer) layer = { 0 };
  g_auto (Twin) output = { 0 };
  SngLinear op;

  g_assert_no_error (error);
  if (!twin_is_emulated ())
    {
      g_test_skip ("a failure can be planted in the emulator only");
      return;
    }

  layer_init (&layer, &size);
  output = new_result (&layer, layer.kernels[0]->operand, count_rows (&layer) * layer.n_outputs);
  op = describe (&layer, TRUE);
  op.output = output.device;
  g_setenv ("SNG_EMULATOR_FAIL", "cublasLtMatmul:1:14", TRUE);
  layer.kernels[1]->linear_forward (device, &op);
  g_unsetenv ("SNG_EMULATOR_FAIL");
  g_assert_false (SNG_DEVICE_GET_CLASS (device)->check (device, &error));
  g_assert_nonnull (strstr (error->message, "[cuda][linear] cublasLtMatmul: CUBLAS_STATUS_INTERNAL_ERROR"));
  g_assert_nonnull (strstr (error->message, "3x56x24"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-linear/output", test_output);
  g_test_add_func ("/sng/cuda-linear/stream", test_stream);
  g_test_add_func ("/sng/cuda-linear/backward", test_backward);
  g_test_add_func ("/sng/cuda-linear/wide", test_wide);
  g_test_add_func ("/sng/cuda-linear/gelu-kind", test_gelu_kind);
  g_test_add_func ("/sng/cuda-linear/no-way", test_no_way);
  g_test_add_func ("/sng/cuda-linear/repeat", test_repeat);
  g_test_add_func ("/sng/cuda-linear/graph", test_graph);
  g_test_add_func ("/sng/cuda-linear/no-rows", test_no_rows);
  g_test_add_func ("/sng/cuda-linear/narrow", test_narrow);
  g_test_add_func ("/sng/cuda-linear/failure", test_failure);

  return g_test_run ();
}
