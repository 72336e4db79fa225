/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bench-model.h"

#include <time.h>

#define LEARNING_RATE 1e-4
#define WEIGHT_DECAY 0.01

#define N_RESIDUES 20
#define FIRST_RESIDUE 4
#define CLS 0
#define PAD 1
#define EOS 2
#define MASK 32
#define NO_TARGET (-100)
#define TARGET_EVERY 7 /* a masked place in 7: about the 15 % of ESM-2 */

void
bench_shape_init (BenchShape *self)
{
  *self = (BenchShape){ .n_layers = 6,
                        .hidden_size = 320,
                        .n_heads = 20,
                        .n_sequences = 2,
                        .n_tokens = 512,
                        .n_threads = 2,
                        .n_batches = 1 };
}

void
bench_shape_add_options (BenchShape *self, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "layers", 0, 0, G_OPTION_ARG_INT, &self->n_layers, "Blocks (6)", "N" },
    { "hidden", 0, 0, G_OPTION_ARG_INT, &self->hidden_size, "Hidden size (320)", "N" },
    { "heads", 0, 0, G_OPTION_ARG_INT, &self->n_heads, "Heads of attention (20)", "N" },
    { "sequences", 0, 0, G_OPTION_ARG_INT, &self->n_sequences, "Sequences of the batch (2)", "N" },
    { "tokens", 0, 0, G_OPTION_ARG_INT, &self->n_tokens, "Tokens of a sequence (512)", "N" },
    { "padded", 0, 0, G_OPTION_ARG_NONE, &self->padded, "Sequences of several lengths, padded", NULL },
    { "threads", 0, 0, G_OPTION_ARG_INT, &self->n_threads, "Threads (2)", "N" },
    { "batches", 0, 0, G_OPTION_ARG_INT, &self->n_batches, "Batches that take turns (1)", "N" },
    { "device", 0, 0, G_OPTION_ARG_STRING, &self->device, "Such as cuda (the processor)", "D" },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &self->precision, "32, bf16-mixed or 16-mixed (32)", "P" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

char *
bench_shape_to_string (const BenchShape *self)
{
  g_autofree char *where =
      self->device != NULL ? g_strdup (self->device) : g_strdup_printf ("%d threads", self->n_threads);

  return g_strdup_printf ("ESM-2 %d x %d, %d heads, %d x %d tokens%s, precision %s, %s", self->n_layers,
                          self->hidden_size, self->n_heads, self->n_sequences, self->n_tokens,
                          self->padded ? " (padded)" : "", self->precision != NULL ? self->precision : "32",
                          where);
}

/* Evenly spread up to the whole length; of many sequences the shortest has a third of it. */
static gint64
get_length (const BenchShape *shape, gint64 sequence)
{
  gint64 n = shape->n_sequences;

  if (!shape->padded)
    return shape->n_tokens;
  return shape->n_tokens * (n + 2 * (sequence + 1)) / (3 * n);
}

static void
fill_sequence (guint64 seed, gint64 length, gint64 n_tokens, gint64 *ids, gint64 *mask, gint64 *labels)
{
  guint64 state = seed + 1;

  for (gint64 i = 0; i < n_tokens; i++)
    {
      gint64 residue;

      state = state * 6364136223846793005 + 1442695040888963407;
      residue = FIRST_RESIDUE + (gint64) ((state >> 33) % N_RESIDUES);
      mask[i] = i < length;
      labels[i] = NO_TARGET;
      if (i >= length)
        ids[i] = PAD;
      else if (i == 0)
        ids[i] = CLS;
      else if (i == length - 1)
        ids[i] = EOS;
      else if (i % TARGET_EVERY == 0)
        {
          ids[i] = MASK;
          labels[i] = residue;
        }
      else
        ids[i] = residue;
    }
}

static SngStateDict *
new_batch (const BenchShape *shape, guint number)
{
  const gint64 dims[] = { shape->n_sequences, shape->n_tokens };
  SngStateDict *batch = sng_state_dict_new ();
  g_autoptr (SngTensor) ids = sng_tensor_new (SNG_DTYPE_I64, dims, 2, NULL, NULL);
  g_autoptr (SngTensor) mask = sng_tensor_new (SNG_DTYPE_I64, dims, 2, NULL, NULL);
  g_autoptr (SngTensor) labels = sng_tensor_new (SNG_DTYPE_I64, dims, 2, NULL, NULL);

  for (gint64 i = 0; i < shape->n_sequences; i++)
    fill_sequence (number * (guint64) shape->n_sequences + (guint64) i, get_length (shape, i),
                   shape->n_tokens, (gint64 *) sng_tensor_get_data (ids) + i * shape->n_tokens,
                   (gint64 *) sng_tensor_get_data (mask) + i * shape->n_tokens,
                   (gint64 *) sng_tensor_get_data (labels) + i * shape->n_tokens);

  sng_state_dict_set_tensor (batch, "input_ids", ids);
  sng_state_dict_set_tensor (batch, "attention_mask", mask);
  sng_state_dict_set_tensor (batch, "labels", labels);

  return batch;
}

static SngTensor *
ref_first_value (GListModel *parameters)
{
  g_autoptr (SngParameter) first = g_list_model_get_item (parameters, 0);

  return g_object_ref (sng_parameter_get_value (first));
}

static gboolean
set_precision (SngModel *model, const char *name, GError **error)
{
  SngPrecision precision = SNG_PRECISION_32;

  return (name == NULL || sng_precision_from_string (name, &precision, error))
         && sng_model_set_precision (model, precision, error);
}

gboolean
bench_model_init (BenchModel *self, const BenchShape *shape, GError **error)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (
      SNG_ARCHITECTURE_ESM2, (guint) shape->n_layers, (guint) shape->hidden_size, (guint) shape->n_heads);
  g_autoptr (SngDevice) device = shape->device != NULL ? sng_device_new (shape->device, error)
                                                       : sng_device_new_cpu ((guint) shape->n_threads);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;

  if (device == NULL)
    return FALSE;

  g_object_set (config, "max-length", (guint) shape->n_tokens, "max-batch-size", (guint) shape->n_sequences,
                "hidden-dropout", 0.0, "attention-dropout", 0.0, NULL);
  model = sng_transformer_new (config, device, error);
  if (model == NULL || !set_precision (model, shape->precision, error)
      || (parameters = sng_model_get_parameters (model, error)) == NULL)
    return FALSE;

  self->optimizer = sng_adamw_new (parameters, LEARNING_RATE, WEIGHT_DECAY);
  self->changed = ref_first_value (parameters);
  self->model = g_steal_pointer (&model);
  self->batches = g_ptr_array_new_with_free_func (g_object_unref);
  for (int i = 0; i < shape->n_batches; i++)
    g_ptr_array_add (self->batches, new_batch (shape, (guint) i));

  return TRUE;
}

void
bench_model_clear (BenchModel *self)
{
  g_clear_pointer (&self->batches, g_ptr_array_unref);
  g_clear_object (&self->optimizer);
  g_clear_object (&self->changed);
  g_clear_object (&self->model);
}

double
bench_model_step (BenchModel *self)
{
  SngStateDict *batch = g_ptr_array_index (self->batches, self->n_steps++ % self->batches->len);
  g_autoptr (SngStateDict) outputs = NULL;
  g_autoptr (GError) error = NULL;
  double loss = 0;

  if (!sng_model_zero_gradients (self->model, &error)
      || (outputs = sng_model_forward (self->model, batch, SNG_STAGE_TRAIN, &error)) == NULL
      || !sng_state_dict_get_double (outputs, "loss", &loss, &error)
      || !sng_model_backward (self->model, 1, &error) || !sng_optimizer_step (self->optimizer, &error))
    g_error ("%s", error->message);
  sng_tensor_get_value (self->changed, 0); /* waits for the device */

  return loss;
}

static double
read_clock (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);

  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

BenchTime
bench_time_now (void)
{
  return (BenchTime){ .wall = read_clock (CLOCK_MONOTONIC),
                      .processor = read_clock (CLOCK_PROCESS_CPUTIME_ID) };
}

BenchTime
bench_time_since (BenchTime begin)
{
  BenchTime now = bench_time_now ();

  return (BenchTime){ .wall = now.wall - begin.wall, .processor = now.processor - begin.processor };
}
