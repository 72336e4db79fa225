/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tiny-model.h"

#include <string.h>

#include <glib/gstdio.h>

#define N_STEPS 7
#define STOP_AT 3
#define N_MICRO_BATCHES 2

typedef struct
{
  char *directory;
  SngRunStore *stores[SNG_MODE_REPEAT + 1];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-callbacks-XXXXXX", NULL);

  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = g_strconcat (fixture->directory, "/", sng_mode_to_string (mode), ".db", NULL);

      fixture->stores[mode] = sng_run_store_create (path, &error);
      g_assert_no_error (error);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    g_object_unref (fixture->stores[mode]);

  dir = g_dir_open (fixture->directory, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
}

typedef SngCallback *(*New) (void);

static const struct
{
  New make;
  const char *metric;
  guint n_entries; /* that an uninterrupted run records */
} callbacks[] = {
  { sng_learning_rate_callback_new, "LearningRate", N_STEPS + 1 },
  { sng_global_step_state_callback_new, "GlobalStepState", N_STEPS + 1 },
  { sng_consumed_samples_callback_new, "ConsumedSamples", N_STEPS + 1 + 3 },
  { sng_optimizer_state_callback_new, "OptimizerState", 0 },
  { sng_sample_ids_callback_new, "SampleIds", N_MICRO_BATCHES *N_STEPS },
  { sng_train_input_callback_new, "TrainInput", 4 * N_MICRO_BATCHES *N_STEPS },
  { sng_train_output_callback_new, "TrainOutput", N_MICRO_BATCHES *N_STEPS },
  { sng_train_loss_callback_new, "TrainLoss", N_MICRO_BATCHES *N_STEPS },
  { sng_valid_input_callback_new, "ValidInput", 4 * 3 * 3 },
  { sng_valid_output_callback_new, "ValidOutput", 3 * 3 },
  { sng_valid_loss_callback_new, "ValidLoss", 3 * 3 },
  { sng_init_consumed_samples_callback_new, "InitConsumedSamples", 2 },
  { sng_model_weights_callback_new, "ModelWeights", 2 * (N_STEPS + 1) },
  { sng_gradient_norm_callback_new, "GradientNorm", N_STEPS },
  { sng_rng_state_callback_new, "RngState", 0 },
  { sng_scheduler_state_callback_new, "SchedulerState", 0 },
  { sng_grad_scaler_state_callback_new, "GradScalerState", 6 * (N_STEPS + 1) },
  { sng_ema_state_callback_new, "EmaState", (3 + 2) * (N_STEPS + 1) },
};

static void
attach_all (SngTrainer *trainer, SngRunStore *store)
{
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (callbacks); i++)
    {
      g_autoptr (SngCallback) callback = callbacks[i].make ();
      g_autoptr (GError) error = NULL;

      g_assert_cmpstr (sng_callback_get_metric (callback), ==, callbacks[i].metric);
      g_assert_null (sng_callback_get_recorder (callback));
      g_assert_true (sng_callback_attach (callback, trainer, recorder, &error));
      g_assert_no_error (error);
      g_assert_true (sng_callback_get_recorder (callback) == recorder);
    }
}

/* A trainer with everything that a callback can record. */
static SngTrainer *
create_trainer (guint64 max_steps)
{
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.5);
  SngTrainer *trainer =
      g_object_new (SNG_TYPE_TRAINER, "micro-batch-size", 2, "accumulate-grad-batches", N_MICRO_BATCHES,
                    "max-steps", max_steps, "val-check-interval", (guint64) 2, "seed", (guint64) 7,
                    "exponential-moving-average", ema, "precision", SNG_PRECISION_16_MIXED, NULL);

  tiny_trainer_attach (trainer);

  return trainer;
}

/* Trains with all callbacks, from a checkpoint if there is one; a validation every second step. */
static SngCheckpoint *
train (Fixture *fixture, SngMode mode, guint64 max_steps, SngCheckpoint *checkpoint)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = create_trainer (max_steps);
  SngCheckpoint *end;

  if (checkpoint != NULL)
    sng_trainer_restore (trainer, checkpoint, &error);
  g_assert_no_error (error);

  attach_all (trainer, fixture->stores[mode]);
  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, max_steps);

  end = sng_state_registry_capture (sng_trainer_get_state_registry (trainer), max_steps, &error);
  g_assert_no_error (error);

  return end;
}

static SngReport *
compare (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  SngReport *report;

  sng_comparison_add_segment (comparison, SNG_MODE_STOP, fixture->stores[SNG_MODE_STOP]);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  report = sng_comparison_run (comparison, &error);
  g_assert_no_error (error);

  return report;
}

static GPtrArray *
query (SngRunStore *store, const char *metric)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *entries = sng_run_store_query (store, metric, 0, G_MAXUINT64, &error);

  g_assert_no_error (error);

  return entries;
}

static void
test_stop_and_go (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) whole G_GNUC_UNUSED = train (fixture, SNG_MODE_CONTINUOUS, N_STEPS, NULL);
  g_autoptr (SngCheckpoint) half = train (fixture, SNG_MODE_STOP, STOP_AT, NULL);
  g_autoptr (SngCheckpoint) end G_GNUC_UNUSED = train (fixture, SNG_MODE_RESUME, N_STEPS, half);
  g_autoptr (SngReport) report = compare (fixture);
  g_autofree char *text = sng_report_to_text (report);

  g_test_message ("%s", text);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  /* all but the one that describes its own run */
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==,
                    G_N_ELEMENTS (callbacks) - 1);

  for (gsize i = 0; i < G_N_ELEMENTS (callbacks); i++)
    {
      g_autoptr (GPtrArray) entries = query (fixture->stores[SNG_MODE_CONTINUOUS], callbacks[i].metric);

      if (callbacks[i].n_entries > 0)
        g_assert_cmpuint (entries->len, ==, callbacks[i].n_entries);
      g_assert_cmpuint (entries->len, >, 0);
    }
}

/* A state that is not restored, and the metric that shows it first. */
static const struct
{
  const char *name;
  const char *metric;
  guint64 step;
} faults[] = {
  { "optimizer", "OptimizerState", STOP_AT },    { "model", "ModelWeights", STOP_AT },
  { "scheduler", "SchedulerState", STOP_AT },    { "rng/dropout", "RngState", STOP_AT },
  { "sampler", "SampleIds", STOP_AT + 1 },       { "ema", "EmaState", STOP_AT },
  { "grad-scaler", "GradScalerState", STOP_AT },
};

static void
test_fault (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngCheckpoint) whole G_GNUC_UNUSED = train (fixture, SNG_MODE_CONTINUOUS, N_STEPS, NULL);
  g_autoptr (SngCheckpoint) half = train (fixture, SNG_MODE_STOP, STOP_AT, NULL);
  g_autoptr (SngTrainer) fresh = create_trainer (N_STEPS);
  g_autoptr (SngCheckpoint) initial =
      sng_state_registry_capture (sng_trainer_get_state_registry (fresh), 0, NULL);
  g_autoptr (SngCheckpoint) end = NULL;
  g_autoptr (SngReport) report = NULL;
  SngMetricResult *result;
  SngDivergence *first;

  sng_checkpoint_set_state (half, faults[i].name, sng_checkpoint_lookup_state (initial, faults[i].name));
  end = train (fixture, SNG_MODE_RESUME, N_STEPS, half);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  result = sng_report_lookup_metric (report, faults[i].metric);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, SNG_VERDICT_DIVERGED);
  first = sng_metric_result_get_first_divergence (result);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, faults[i].step);
  g_assert_cmpuint (sng_divergence_get_step (sng_report_get_first_divergence (report)), ==, faults[i].step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
}

/* The key of each kind of entry, and that each step's state is a different one: nothing is recorded by reference. */
static void
test_keys (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  g_autoptr (SngCheckpoint) whole G_GNUC_UNUSED = train (fixture, SNG_MODE_CONTINUOUS, N_STEPS, NULL);
  g_autoptr (GPtrArray) weights = query (store, "ModelWeights");
  g_autoptr (GPtrArray) losses = query (store, "TrainLoss");
  g_autoptr (GPtrArray) valid = query (store, "ValidLoss");
  g_autoptr (GPtrArray) steps = query (store, "GlobalStepState");
  g_autoptr (GPtrArray) start = query (store, "InitConsumedSamples");
  g_autoptr (GPtrArray) consumed = query (store, "ConsumedSamples");

  for (guint i = 0; i < weights->len; i++)
    {
      g_assert_cmpuint (sng_metadata_get_step (weights->pdata[i]), ==, i / 2);
      g_assert_cmpint (sng_metadata_get_micro_batch (weights->pdata[i]), ==, -1);
      g_assert_cmpint (sng_metadata_get_stage (weights->pdata[i]), ==, SNG_STAGE_TRAIN);
      g_assert_cmpstr (sng_metadata_get_path (weights->pdata[i]), ==, i % 2 == 0 ? "weight" : "bias");
      /* the first step of the schedule has the rate 0 */
      if (i >= 4)
        g_assert_false (sng_metadata_equal (weights->pdata[i], weights->pdata[i - 2]));
    }

  for (guint i = 0; i < losses->len; i++)
    {
      g_assert_cmpuint (sng_metadata_get_step (losses->pdata[i]), ==, 1 + i / N_MICRO_BATCHES);
      g_assert_cmpint (sng_metadata_get_micro_batch (losses->pdata[i]), ==, i % N_MICRO_BATCHES);
    }

  for (guint i = 0; i < valid->len; i++)
    {
      g_assert_cmpuint (sng_metadata_get_step (valid->pdata[i]), ==, 2 * (1 + i / 3));
      g_assert_cmpint (sng_metadata_get_micro_batch (valid->pdata[i]), ==, i % 3);
      g_assert_cmpint (sng_metadata_get_stage (valid->pdata[i]), ==, SNG_STAGE_VALIDATE);
    }

  for (guint i = 0; i < steps->len; i++)
    {
      g_assert_cmpuint (sng_metadata_get_step (steps->pdata[i]), ==, i);
      g_assert_cmpint (g_variant_get_int64 (sng_metadata_get_value (steps->pdata[i])), ==, i);
    }

  g_assert_cmpstr (sng_metadata_get_path (start->pdata[0]), ==, "train");
  g_assert_cmpstr (sng_metadata_get_path (start->pdata[1]), ==, "validate");
  /* step 0, 1, 2, and the validation after it */
  g_assert_cmpint (sng_metadata_get_stage (consumed->pdata[3]), ==, SNG_STAGE_VALIDATE);
  g_assert_cmpint (g_variant_get_int64 (sng_metadata_get_value (consumed->pdata[3])), ==, TINY_N_VALIDATION);
}

/* Each micro-batch says of which epoch it is, also where the window reaches over the end of one. */
static void
test_sample_ids (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  g_autoptr (SngCheckpoint) whole G_GNUC_UNUSED = train (fixture, SNG_MODE_CONTINUOUS, N_STEPS, NULL);
  g_autoptr (SngSampler) sampler = sng_sampler_new (TINY_N_SAMPLES, 7, TRUE);
  g_autoptr (GPtrArray) entries = query (store, "SampleIds");
  g_autoptr (GVariant) n_samples = sng_run_store_get_info (store, "n-samples");

  g_assert_cmpuint (g_variant_get_uint64 (n_samples), ==, TINY_N_SAMPLES);
  g_assert_cmpuint (entries->len, ==, N_MICRO_BATCHES * N_STEPS);

  for (guint i = 0; i < entries->len; i++)
    {
      guint64 expected_epoch = sng_sampler_get_epoch (sampler);
      g_autoptr (SngTensor) expected = sng_sampler_next (sampler, 2, NULL);
      g_autoptr (GVariant) ids = NULL;
      guint64 epoch;

      g_assert_cmpuint (sng_metadata_get_step (entries->pdata[i]), ==, 1 + i / N_MICRO_BATCHES);
      g_assert_cmpint (sng_metadata_get_micro_batch (entries->pdata[i]), ==, i % N_MICRO_BATCHES);
      g_variant_get (sng_metadata_get_value (entries->pdata[i]), "(t@ax)", &epoch, &ids);
      g_assert_cmpuint (epoch, ==, expected_epoch);
      g_assert_cmpuint (g_variant_n_children (ids), ==, 2);
      for (gsize j = 0; j < 2; j++)
        {
          gint64 id;

          g_variant_get_child (ids, j, "x", &id);
          g_assert_cmpint (id, ==, sng_tensor_get_value_int64 (expected, (gint64) j));
        }
    }

  g_assert_cmpuint (sng_sampler_get_epoch (sampler), ==, 2);
}

/* What a loop of somebody else's says is made of nothing that has a name: there is no such metric then. */
static void
test_foreign_batches (Fixture *fixture, gconstpointer data)
{
  const char *const names[] = { "epoch", "sample_ids", "ids of another kind", NULL };
  g_autoptr (SngTensor) ids = sng_tensor_new (SNG_DTYPE_I64, (gint64[]){ 2 }, 1, NULL, NULL);
  g_autoptr (SngTensor) numbers = sng_tensor_new (SNG_DTYPE_F32, (gint64[]){ 2 }, 1, NULL, NULL);
  g_autoptr (SngReport) report = NULL;

  for (SngMode mode = SNG_MODE_STOP; mode <= SNG_MODE_CONTINUOUS; mode++)
    {
      g_autoptr (SngTrainer) trainer = create_trainer (1);
      g_autoptr (SngStateDict) outputs = sng_state_dict_new ();

      attach_all (trainer, fixture->stores[mode]);
      sng_state_dict_set_value (outputs, "loss", g_variant_new_double (1.0));
      for (guint i = 0; names[i] != NULL; i++)
        {
          g_autoptr (SngStateDict) batch = sng_state_dict_new ();

          if (i != 0)
            sng_state_dict_set_int64 (batch, "epoch", 1);
          if (i != 1)
            sng_state_dict_set_tensor (batch, "sample_ids", i == 2 ? numbers : ids);
          g_signal_emit_by_name (trainer, "micro-batch-end", SNG_STAGE_TRAIN, i, batch, outputs);
        }
      g_assert_true (sng_run_store_flush (fixture->stores[mode], NULL));
    }

  report = compare (fixture);
  g_assert_nonnull (sng_report_lookup_metric (report, "TrainInput"));
  g_assert_null (sng_report_lookup_metric (report, "SampleIds"));
}

static void
test_flags (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  SngRunStore *other = fixture->stores[SNG_MODE_REPEAT];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 1, NULL);
  g_autoptr (SngTrainer) plain = sng_trainer_new ();
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (TinyData) module = tiny_data_new (FALSE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.1, 0.0);
  g_auto (GStrv) metrics = NULL;

  attach_all (trainer, store);
  g_assert_cmpint (sng_run_store_get_metric_flags (store, "LearningRate"), ==, SNG_METRIC_EXPECT_CHANGE);
  g_assert_cmpint (sng_run_store_get_metric_flags (store, "ValidInput"), ==, SNG_METRIC_NONE);
  g_assert_cmpint (sng_run_store_get_metric_flags (store, "InitConsumedSamples"), ==, SNG_METRIC_PER_RUN);

  /* without a schedule the rate may stay, and there is no state of a schedule; nor is there an average or a loss scale */
  sng_trainer_attach (plain, SNG_MODEL (model), SNG_DATA_MODULE (module), optimizer, NULL, &error);
  g_assert_no_error (error);
  attach_all (plain, other);
  g_assert_cmpint (sng_run_store_get_metric_flags (other, "LearningRate"), ==, SNG_METRIC_NONE);
  metrics = sng_run_store_list_metrics (other, &error);
  g_assert_cmpuint (g_strv_length (metrics), ==, G_N_ELEMENTS (callbacks) - 3);
  g_assert_false (g_strv_contains ((const char *const *) metrics, "SchedulerState"));
  g_assert_false (g_strv_contains ((const char *const *) metrics, "EmaState"));
  g_assert_false (g_strv_contains ((const char *const *) metrics, "GradScalerState"));
}

/* A callback that somebody else wrote: it counts what it hears, and fails where it is told to. */
#define MY_TYPE_NOISE_CALLBACK (my_noise_callback_get_type ())
G_DECLARE_FINAL_TYPE (MyNoiseCallback, my_noise_callback, MY, NOISE_CALLBACK, SngCallback)

struct _MyNoiseCallback
{
  SngCallback parent_instance;

  GString *heard;
  char fail_at;
  gboolean silent; /* fails without saying why, as a binding does after an exception */
};

G_DEFINE_FINAL_TYPE (MyNoiseCallback, my_noise_callback, SNG_TYPE_CALLBACK)

static gboolean
hear (SngCallback *callback, char event, GError **error)
{
  MyNoiseCallback *self = MY_NOISE_CALLBACK (callback);

  g_string_append_c (self->heard, event);
  if (event != self->fail_at)
    return TRUE;

  if (!self->silent)
    g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[noise] planted at %c", event);
  return FALSE;
}

static gboolean
my_noise_callback_fit_start (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return hear (callback, 'f', error);
}

static gboolean
my_noise_callback_step_start (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return hear (callback, 's', error);
}

static gboolean
my_noise_callback_micro_batch_end (SngCallback *callback,
                                   SngTrainer *trainer,
                                   SngStage stage,
                                   guint micro_batch,
                                   SngStateDict *batch,
                                   SngStateDict *outputs,
                                   GError **error)
{
  return hear (callback, stage == SNG_STAGE_TRAIN ? 't' : 'v', error);
}

static gboolean
my_noise_callback_step_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return hear (callback, 'e', error);
}

static gboolean
my_noise_callback_validation_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return hear (callback, 'w', error);
}

static gboolean
my_noise_callback_step_finished (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return hear (callback, 'd', error);
}

static SngMetricFlags
my_noise_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  hear (callback, 'g', error);
  return SNG_METRIC_NONE;
}

static void
my_noise_callback_finalize (GObject *object)
{
  g_string_free (MY_NOISE_CALLBACK (object)->heard, TRUE);
  G_OBJECT_CLASS (my_noise_callback_parent_class)->finalize (object);
}

static void
my_noise_callback_class_init (MyNoiseCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = my_noise_callback_finalize;
  callback_class->get_flags = my_noise_callback_get_flags;
  callback_class->fit_start = my_noise_callback_fit_start;
  callback_class->step_start = my_noise_callback_step_start;
  callback_class->micro_batch_end = my_noise_callback_micro_batch_end;
  callback_class->step_end = my_noise_callback_step_end;
  callback_class->validation_end = my_noise_callback_validation_end;
  callback_class->step_finished = my_noise_callback_step_finished;
}

static void
my_noise_callback_init (MyNoiseCallback *self)
{
  self->heard = g_string_new (NULL);
}

static void
test_own_class (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, NULL);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (fixture->stores[SNG_MODE_CONTINUOUS], 0);
  g_autoptr (MyNoiseCallback) callback = g_object_new (MY_TYPE_NOISE_CALLBACK, NULL);
  g_autoptr (MyNoiseCallback) named = g_object_new (MY_TYPE_NOISE_CALLBACK, "metric", "Racket", NULL);

  g_assert_cmpstr (sng_callback_get_metric (SNG_CALLBACK (callback)), ==, "MyNoise");
  g_assert_cmpstr (sng_callback_get_metric (SNG_CALLBACK (named)), ==, "Racket");

  g_object_set (trainer, "val-check-interval", (guint64) 2, "limit-val-batches", 1, NULL);
  g_assert_true (sng_callback_attach (SNG_CALLBACK (callback), trainer, recorder, &error));
  g_assert_true (sng_trainer_fit (trainer, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (callback->heard->str, ==, "gfstedstevwd");
}

/* An error in any function ends the training, and it is that error. */
static void
test_error (Fixture *fixture, gconstpointer data)
{
  for (const char *event = "gfstevwd"; *event != '\0'; event++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 3, NULL);
      g_autoptr (SngRecorder) recorder = sng_recorder_new (fixture->stores[SNG_MODE_CONTINUOUS], 0);
      g_autoptr (MyNoiseCallback) callback = g_object_new (MY_TYPE_NOISE_CALLBACK, NULL);
      g_autofree char *message = g_strdup_printf ("[noise] planted at %c", *event);

      g_object_set (trainer, "val-check-interval", (guint64) 2, NULL);
      callback->fail_at = *event;
      if (sng_callback_attach (SNG_CALLBACK (callback), trainer, recorder, &error))
        g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, message));
    }
}

static void
test_silent_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 3, NULL);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (fixture->stores[SNG_MODE_CONTINUOUS], 0);
  g_autoptr (MyNoiseCallback) callback = g_object_new (MY_TYPE_NOISE_CALLBACK, NULL);

  callback->fail_at = 'e';
  callback->silent = TRUE;
  g_assert_true (sng_callback_attach (SNG_CALLBACK (callback), trainer, recorder, &error));
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "MyNoiseCallback.step_end"));
}

static GVariant *
count_steps (SngTrainer *trainer, gpointer user_data, GError **error)
{
  guint64 *fail_at = user_data;

  if (sng_trainer_get_global_step (trainer) == *fail_at)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[extra] planted");
      return NULL;
    }

  return g_variant_new_uint64 (sng_trainer_get_global_step (trainer) * 3);
}

static void
test_function (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 5, NULL);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
  guint64 *fail_at = g_new (guint64, 1);
  g_autoptr (SngCallback) callback = sng_function_callback_new ("Triple", count_steps, fail_at, g_free);
  g_autoptr (GPtrArray) entries = NULL;

  *fail_at = 4;
  g_assert_true (sng_callback_attach (callback, trainer, recorder, &error));
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "[extra] planted"));

  entries = query (store, "Triple");
  g_assert_cmpuint (entries->len, ==, 3);
  g_assert_cmpuint (sng_metadata_get_step (entries->pdata[2]), ==, 3);
  g_assert_cmpint (g_variant_get_int64 (sng_metadata_get_value (entries->pdata[2])), ==, 9);
}

static void
count_committed_cb (SngTrainer *trainer, GArray *counts)
{
  const char *path = g_object_get_data (G_OBJECT (trainer), "path");
  g_autoptr (SngRunStore) reader = sng_run_store_open (path, NULL);
  g_autoptr (GPtrArray) entries = query (reader, "GlobalStepState");

  g_array_append_val (counts, entries->len);
}

/* What a step has recorded is kept, whatever comes in the next one, though no callback commits anything. */
static void
test_committed (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, NULL);
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (guint));

  attach_all (trainer, store);
  g_object_set_data (G_OBJECT (trainer), "path", (gpointer) sng_run_store_get_path (store));
  g_signal_connect (trainer, "step-start", G_CALLBACK (count_committed_cb), counts);
  g_signal_connect (trainer, "fit-end", G_CALLBACK (count_committed_cb), counts);
  g_assert_true (sng_trainer_fit (trainer, NULL));
  g_assert_cmpuint (counts->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (g_array_index (counts, guint, i), ==, i + 1);
}

/* A store that cannot be written to any more ends the training. */
static void
test_closed_store (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = fixture->stores[SNG_MODE_CONTINUOUS];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, NULL);

  attach_all (trainer, store);
  sng_run_store_close (store, NULL);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, sng_run_store_get_path (store)));
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/callbacks/", name, NULL);

  g_test_add (path, Fixture, data, set_up, function, tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("stop-and-go", test_stop_and_go, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *name = g_strconcat ("fault/", faults[i].name, NULL);

      add (name, test_fault, GSIZE_TO_POINTER (i));
    }
  add ("keys", test_keys, NULL);
  add ("sample-ids", test_sample_ids, NULL);
  add ("foreign-batches", test_foreign_batches, NULL);
  add ("flags", test_flags, NULL);
  add ("own-class", test_own_class, NULL);
  add ("error", test_error, NULL);
  add ("silent-error", test_silent_error, NULL);
  add ("function", test_function, NULL);
  add ("committed", test_committed, NULL);
  add ("closed-store", test_closed_store, NULL);

  return g_test_run ();
}
