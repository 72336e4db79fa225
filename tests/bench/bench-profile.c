/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>

#include "bench-model.h"
#include "bench-training.h"
#include "tensor/sng-device-math-private.h"

/* Where the time of a training step goes: bench-profile [--layers N …] (see --help).
 *
 * A clock stands around every kernel that the model calls: this program puts a table of its own in the place of the device's.
 * Wall time is that of the calling thread, processor time that of all threads, so it counts a thread that spins while
 * another one works. The system accounts for a running thread in ticks of some milliseconds, so part of the processor time of
 * a kernel may stand at the next one: the short ones are better read by wall time. Medians over the steps. */

#define N_WARM_UP 2
#define MAX_ROWS 64
#define STEP "step"
#define REST "between the kernels"

/* Every kernel of a step: its name, what it takes, the two numbers that tell its calls apart (0: there is none), and how many
 * additions and multiplications of matrix products a call has. */
#define KERNELS(K)                                                                                           \
 K (linear_forward, SngLinear, op->n_inputs, op->n_outputs, linear_operations (op))                          \
 K (linear_backward, SngLinear, op->n_inputs, op->n_outputs,                                                 \
    (op->d_input != NULL ? 2 : 1) * linear_operations (op))                                                  \
 K (layer_norm_forward, SngLayerNorm, op->n_columns, 0, 0)                                                   \
 K (layer_norm_backward, SngLayerNorm, op->n_columns, 0, 0)                                                  \
 K (gelu_backward, SngGelu, 0, 0, 0)                                                                         \
 K (embedding_forward, SngEmbedding, 0, 0, 0)                                                                \
 K (embedding_backward, SngEmbedding, 0, 0, 0)                                                               \
 K (rotary, SngRotary, 0, 0, 0)                                                                              \
 K (attention_forward, SngAttention, 0, 0, 2 * attention_operations (op))                                    \
 K (attention_backward, SngAttention, 0, 0, 5 * attention_operations (op))                                   \
 K (cross_entropy_forward, SngCrossEntropy, 0, 0, 0)                                                         \
 K (cross_entropy_backward, SngCrossEntropy, 0, 0, 0)                                                        \
 K (spread, SngSpread, 0, 0, 0)                                                                              \
 K (adamw, SngAdamwUpdate, 0, 0, 0)

/* The calls of one kernel with one shape. */
typedef struct
{
  const char *kernel;
  gsize a;
  gsize b;
  guint n_calls; /* these three in the current step */
  BenchTime time;
  double operations;
  GArray *wall; /* by step */
  GArray *processor;
} Row;

static Row rows[MAX_ROWS];
static guint n_rows;
static const SngKernels *kernels; /* those that compute */
static void (*device_zero) (SngDevice *device, gpointer data, gsize n_bytes);

static Row *
get_row (const char *kernel, gsize a, gsize b)
{
  for (guint i = 0; i < n_rows; i++)
    if (rows[i].kernel == kernel && rows[i].a == a && rows[i].b == b)
      return &rows[i];

  g_assert (n_rows < MAX_ROWS);
  rows[n_rows] = (Row){
    .kernel = kernel,
    .a = a,
    .b = b,
    .wall = g_array_new (FALSE, FALSE, sizeof (double)),
    .processor = g_array_new (FALSE, FALSE, sizeof (double)),
  };

  return &rows[n_rows++];
}

static void
count (Row *row, BenchTime begin, double operations)
{
  BenchTime time = bench_time_since (begin);

  row->n_calls++;
  row->time.wall += time.wall;
  row->time.processor += time.processor;
  row->operations += operations;
}

static double
linear_operations (const SngLinear *op)
{
  return 2.0 * (double) op->rows.n_rows * (double) op->n_inputs * (double) op->n_outputs;
}

/* Of one of the products of attention. */
static double
attention_operations (const SngAttention *op)
{
  double n_pairs = 0;

  for (gsize i = 0; i < op->rows.n_sequences; i++)
    n_pairs += pow ((double) (op->rows.first_rows[i + 1] - op->rows.first_rows[i]), 2);

  return 2.0 * n_pairs * (double) (op->n_heads * op->head_size) / (op->causal ? 2 : 1);
}

#define DEFINE_KERNEL(name, Type, a, b, operations)                                                          \
 static void profile_##name (SngDevice *device, const Type *op)                                              \
 {                                                                                                           \
  static const char *const label = #name;                                                                    \
  Row *row = get_row (label, a, b);                                                                          \
  BenchTime begin = bench_time_now ();                                                                       \
                                                                                                             \
  kernels->name (device, op);                                                                                \
  count (row, begin, operations);                                                                            \
 }

KERNELS (DEFINE_KERNEL)

static void
profile_zero (SngDevice *device, gpointer data, gsize n_bytes)
{
  Row *row = get_row ("zero", 0, 0);
  BenchTime begin = bench_time_now ();

  device_zero (device, data, n_bytes);
  count (row, begin, 0);
}

static void
profile_narrow (SngDevice *device, gsize n_elements, gconstpointer reals, gpointer operands)
{
  Row *row = get_row ("narrow", 0, 0);
  BenchTime begin = bench_time_now ();

  kernels->narrow (device, n_elements, reals, operands);
  count (row, begin, 0);
}

static const SngKernels *
put_table (SngKernels *table, const SngKernels *computing)
{
  *table = *computing;
#define PUT(name, Type, a, b, operations) table->name = profile_##name;
  KERNELS (PUT)
#undef PUT
  table->narrow = profile_narrow;

  return table;
}

/* For all devices of the class, and for models that are made after this. In mixed precision a model takes the kernels of its
 * precision and AdamW those of f32, which there are the same: so those of the precision compute for all tables. */
static void
put_clocks (SngPrecision precision)
{
  static SngKernels f32, bf16, f16;
  static SngDeviceMath math;
  SngDeviceClass *device_class = SNG_DEVICE_GET_CLASS (sng_device_get_default ());

  math = *device_class->math;
  kernels = precision == SNG_PRECISION_BF16_MIXED ? math.bf16
            : precision == SNG_PRECISION_16_MIXED ? math.f16
                                                  : math.f32;
  math.f32 = put_table (&f32, math.f32);
  math.bf16 = put_table (&bf16, math.bf16);
  math.f16 = put_table (&f16, math.f16);
  device_class->math = &math;
  device_zero = device_class->zero;
  device_class->zero = profile_zero;
}

static void
run_step (BenchModel *model)
{
  Row *step = get_row (STEP, 0, 0);
  Row *rest = get_row (REST, 0, 0);
  BenchTime begin;

  for (guint i = 0; i < n_rows; i++)
    {
      rows[i].n_calls = 0;
      rows[i].time = (BenchTime){ 0 };
      rows[i].operations = 0;
    }

  begin = bench_time_now ();
  bench_model_step (model);
  count (step, begin, 0);

  rest->time = step->time;
  for (guint i = 0; i < n_rows; i++)
    if (&rows[i] != step && &rows[i] != rest)
      {
        rest->time.wall -= rows[i].time.wall;
        rest->time.processor -= rows[i].time.processor;
      }

  for (guint i = 0; i < n_rows; i++)
    {
      g_array_append_val (rows[i].wall, rows[i].time.wall);
      g_array_append_val (rows[i].processor, rows[i].time.processor);
    }
}

static void
forget_steps (void)
{
  for (guint i = 0; i < n_rows; i++)
    {
      g_array_set_size (rows[i].wall, 0);
      g_array_set_size (rows[i].processor, 0);
    }
}

/* From here on, the medians stand in the rows. */
static void
compute_medians (void)
{
  for (guint i = 0; i < n_rows; i++)
    {
      rows[i].time.wall = bench_median (rows[i].wall);
      rows[i].time.processor = bench_median (rows[i].processor);
    }
}

static void
print_row (const char *label, guint n_calls, BenchTime time, BenchTime step, double operations)
{
  g_print ("%-28s", label);
  g_print (" %5u", n_calls);
  g_print (" %9.2f %5.1f %% %9.2f %5.1f %%", 1e3 * time.wall, 100 * time.wall / step.wall,
           1e3 * time.processor, 100 * time.processor / step.processor);
  if (operations > 0)
    g_print (" %8.1f", operations / time.processor / 1e9);
  g_print ("\n");
}

/* All shapes of a kernel together. */
static Row
sum_kernel (const char *kernel, guint *n_shapes)
{
  Row sum = { .kernel = kernel };

  *n_shapes = 0;
  for (guint i = 0; i < n_rows; i++)
    if (rows[i].kernel == kernel)
      {
        ++*n_shapes;
        sum.n_calls += rows[i].n_calls;
        sum.time.wall += rows[i].time.wall;
        sum.time.processor += rows[i].time.processor;
        sum.operations += rows[i].operations;
      }

  return sum;
}

static void
print_kernel (const char *kernel, BenchTime step)
{
  guint n_shapes;
  Row sum = sum_kernel (kernel, &n_shapes);

  print_row (kernel, sum.n_calls, sum.time, step, sum.operations);
  if (n_shapes < 2)
    return;
  for (guint i = 0; i < n_rows; i++)
    if (rows[i].kernel == kernel)
      {
        g_autofree char *label = rows[i].b > 0 ? g_strdup_printf ("  %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT,
                                                                  rows[i].a, rows[i].b)
                                               : g_strdup_printf ("  %" G_GSIZE_FORMAT, rows[i].a);

        print_row (label, rows[i].n_calls, rows[i].time, step, rows[i].operations);
      }
}

static int
compare_kernels (gconstpointer a, gconstpointer b)
{
  guint n_shapes;
  double x = sum_kernel (*(const char *const *) a, &n_shapes).time.processor;
  double y = sum_kernel (*(const char *const *) b, &n_shapes).time.processor;

  return (x < y) - (x > y);
}

static void
report (const BenchShape *shape, int n_steps)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *title = bench_shape_to_string (shape);
  BenchTime step;

  compute_medians ();
  step = get_row (STEP, 0, 0)->time;
  for (guint i = 0; i < n_rows; i++)
    if (!g_ptr_array_find (names, rows[i].kernel, NULL))
      g_ptr_array_add (names, (gpointer) rows[i].kernel);
  g_ptr_array_sort (names, compare_kernels);

  g_print ("%s; medians of %d steps\n", title, n_steps);
  g_print ("%-28s %5s %17s %17s %8s\n", "", "calls", "wall ms, share", "processor, share", "GFLOP/s");
  for (guint i = 0; i < names->len; i++)
    print_kernel (g_ptr_array_index (names, i), step);
  g_print ("GFLOP/s: of matrix products, in a second of processor time\n");
}

int
main (int argc, char *argv[])
{
  BenchShape shape;
  BenchModel model;
  SngPrecision precision = SNG_PRECISION_32;
  int n_steps = 10;
  const GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT, &n_steps, "Steps to measure (10)", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- where the time of a training step goes");
  g_autoptr (GError) error = NULL;

  bench_shape_init (&shape);
  g_option_context_add_main_entries (context, entries, NULL);
  bench_shape_add_options (&shape, context);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  if (shape.precision != NULL && !sng_precision_from_string (shape.precision, &precision, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  put_clocks (precision);
  if (!bench_model_init (&model, &shape, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  for (guint i = 0; i < N_WARM_UP; i++)
    run_step (&model);
  forget_steps ();
  for (int i = 0; i < n_steps; i++)
    run_step (&model);
  report (&shape, n_steps);
  bench_model_clear (&model);

  return 0;
}
