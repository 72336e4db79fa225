/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

/* A small ESM-2 on the built-in proteins, of which micro-batches have quite different numbers of targets. 12 samples are one
 * step of 8 and a part of the next, or three steps of 4. */

#define PLAN_TYPE_HARNESS (plan_harness_get_type ())
G_DECLARE_FINAL_TYPE (PlanHarness, plan_harness, PLAN, HARNESS, SngHarness)

struct _PlanHarness
{
  SngHarness parent_instance;
};

G_DEFINE_FINAL_TYPE (PlanHarness, plan_harness, SNG_TYPE_HARNESS)

/* ---- Faults ---- */

typedef enum
{
  NO_FAULT,
  ONE_TARGET,        /* a micro-batch has one target, whatever is in it */
  SAMPLES,           /* as many targets as samples */
  LEFT_OUT,          /* the last micro-batch of a window leaves its last sample out */
  UNDIVIDED,         /* backward forgets by what the loss is divided */
  DIVIDED_TWICE,     /* and divides by the number of micro-batches once more */
  WEIGHTED_TWICE,    /* or weighs the micro-batch once more */
  FORGOTTEN,         /* the gradient is that of the last micro-batch */
  OPTIMIZER_STEPS,   /* the optimizer steps at each micro-batch */
  SCHEDULE_STEPS,    /* and so does the schedule */
  SCHEDULE_COUNTS,   /* the schedule is told of the micro-batches at the end of the step */
  OPTIMIZER_REPEATS, /* the optimizer makes the step once a micro-batch */
  STEP_MISSING       /* the training ends with its first validation */
} FaultId;

static FaultId fault = NO_FAULT;
static guint n_micro_batches; /* of the trainer that runs */
static guint n_loaded;        /* by it */

static SngStateDict *(*load_batch) (SngDataModule *, SngStage, SngTensor *, SngRngStream *, GError **);
static gboolean (*backward) (SngModel *, double, GError **);

static SngStateDict *
load_batch_with_fault (SngDataModule *module,
                       SngStage stage,
                       SngTensor *ids,
                       SngRngStream *rng,
                       GError **error)
{
  SngStateDict *batch = load_batch (module, stage, ids, rng, error);

  if (fault == ONE_TARGET)
    sng_state_dict_set_int64 (batch, "n_targets", 1);
  if (fault == SAMPLES)
    sng_state_dict_set_int64 (batch, "n_targets", sng_tensor_get_n_elements (ids));
  if (fault == LEFT_OUT && n_micro_batches > 1 && ++n_loaded % n_micro_batches == 0)
    {
      gint64 n = sng_tensor_get_n_elements (ids) - 1;
      g_autoptr (SngTensor) others = sng_tensor_new_view (ids, 0, &n, 1, NULL, 0, NULL);

      sng_state_dict_set_tensor (batch, "sample_ids", others);
    }

  return batch;
}

static gboolean
backward_with_fault (SngModel *model, double scale, GError **error)
{
  if (fault == UNDIVIDED)
    scale = 1.0;
  if (fault == DIVIDED_TWICE)
    scale /= n_micro_batches;
  if (fault == WEIGHTED_TWICE)
    scale *= scale;
  if (fault == FORGOTTEN)
    sng_model_zero_gradients (model, NULL);

  return backward (model, scale, error);
}

static void
micro_batch_end_cb (SngTrainer *trainer, SngStage stage)
{
  if (stage == SNG_STAGE_TRAIN && fault == OPTIMIZER_STEPS)
    g_assert_true (sng_optimizer_step (sng_trainer_get_optimizer (trainer), NULL));
  if (stage == SNG_STAGE_TRAIN && fault == SCHEDULE_STEPS)
    g_assert_true (sng_lr_scheduler_step (sng_trainer_get_lr_scheduler (trainer),
                                          sng_trainer_get_optimizer (trainer), NULL));
}

static void
step_end_cb (SngTrainer *trainer)
{
  for (guint i = 1; i < n_micro_batches; i++)
    {
      if (fault == SCHEDULE_COUNTS)
        g_assert_true (sng_lr_scheduler_step (sng_trainer_get_lr_scheduler (trainer),
                                              sng_trainer_get_optimizer (trainer), NULL));
      if (fault == OPTIMIZER_REPEATS)
        g_assert_true (sng_optimizer_step (sng_trainer_get_optimizer (trainer), NULL));
    }
}

/* ---- The harness ---- */

static SngSetup *
plan_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 2, 32, 4);
  g_autoptr (SngDataModule) data = sng_fasta_data_module_new (NULL, 64);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (1e-3, 1e-4, 0, 20);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (GListModel) parameters = NULL;

  g_object_set (config, "max-length", 64, "max-batch-size", 8, "hidden-dropout", 0.1, NULL);
  model = sng_transformer_new (config, NULL, error);
  parameters = sng_model_get_parameters (model, error);
  optimizer = sng_adamw_new (parameters, 1e-3, 0.01);

  if (load_batch == NULL)
    {
      load_batch = SNG_DATA_MODULE_GET_CLASS (data)->load_batch;
      backward = SNG_MODEL_GET_CLASS (model)->backward;
      SNG_DATA_MODULE_GET_CLASS (data)->load_batch = load_batch_with_fault;
      SNG_MODEL_GET_CLASS (model)->backward = backward_with_fault;
    }

  return sng_setup_new (model, data, optimizer, scheduler);
}

static SngTrainer *
plan_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngTrainer *trainer = SNG_HARNESS_CLASS (plan_harness_parent_class)->setup_trainer (harness, mode, error);

  g_object_get (trainer, "accumulate-grad-batches", &n_micro_batches, NULL);
  n_loaded = 0;
  if (fault == STEP_MISSING && n_micro_batches > 1)
    {
      g_autoptr (SngEarlyStopping) early =
          g_object_new (SNG_TYPE_EARLY_STOPPING, "monitor", "valid_loss", "stopping-threshold", 1e6, NULL);

      g_object_set (trainer, "early-stopping", early, NULL);
    }
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (micro_batch_end_cb), NULL);
  g_signal_connect (trainer, "step-end", G_CALLBACK (step_end_cb), NULL);

  return trainer;
}

static void
plan_harness_class_init (PlanHarnessClass *klass)
{
  SNG_HARNESS_CLASS (klass)->setup_model = plan_harness_setup_model;
  SNG_HARNESS_CLASS (klass)->setup_trainer = plan_harness_setup_trainer;
}

static void
plan_harness_init (PlanHarness *self)
{
  g_object_set (self, "exp-name", "accumulation", "isolation", SNG_ISOLATION_NONE, "seed", (guint64) 3, NULL);
}

static SngReport *
run (const char *plans, const char *first_property, ...)
{
  g_autoptr (SngHarness) harness = g_object_new (PLAN_TYPE_HARNESS, NULL);
  g_auto (GStrv) split = g_strsplit (plans, ",", -1);
  g_autoptr (GError) error = NULL;
  SngReport *report;
  va_list arguments;

  va_start (arguments, first_property);
  if (first_property != NULL)
    g_object_set_valist (G_OBJECT (harness), first_property, arguments);
  va_end (arguments);

  report = sng_harness_run_accumulation (harness, (const char *const *) split, NULL, &error);
  g_assert_no_error (error);

  return report;
}

static SngReport *
get_part (SngReport *report, guint position)
{
  SngReport *part = g_list_model_get_item (sng_report_get_parts (report), position);

  g_assert_nonnull (part);
  g_object_unref (part); /* the report keeps it */

  return part;
}

static void
assert_passes (SngReport *report)
{
  g_autofree char *text = sng_report_to_text (report);

  g_test_message ("%s", text);
  for (guint i = 0; i < g_list_model_get_n_items (sng_report_get_parts (report)); i++)
    for (const char *const *note = sng_report_get_notes (get_part (report, i)); note != NULL && *note != NULL;
         note++)
      g_test_message ("%s", *note);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* ---- Tests ---- */

/* The order of samples and random numbers is that of the cursor, so nothing differs but the order of sums. */
static void
test_parity (void)
{
  const char *const precisions[] = { "32", "bf16-mixed", "16-mixed" };

  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    {
      g_autoptr (SngReport) report = run ("8,4x2,2x4,1x8", "precision", precisions[i], NULL);

      assert_passes (report);
      g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_parts (report)), ==, 3);
      for (guint j = 0; j < 3; j++)
        {
          const char *const lines[] = { "Samples",        "LossDenominator", "Gradients", "Schedule",
                                        "OptimizerState", "Weights",         NULL };

          for (guint k = 0; lines[k] != NULL; k++)
            {
              SngMetricResult *line = sng_report_lookup_metric (get_part (report, j), lines[k]);

              g_assert_nonnull (line);
              g_assert_cmpuint (sng_metric_result_get_compared (line), >, 0);
            }
        }
    }
}

/* Each plan in a process of its own, side by side. */
static void
test_processes (void)
{
  g_autoptr (SngReport) report = run ("8,4x2,2x4", "isolation", SNG_ISOLATION_PROCESS, NULL);

  assert_passes (report);
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
test_async (void)
{
  const char *const plans[] = { "8", "4x2", NULL };
  const char *const wrong[] = { "8", "4x3", NULL };
  g_autoptr (SngHarness) harness = g_object_new (PLAN_TYPE_HARNESS, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) refused = NULL;
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  sng_harness_run_accumulation_async (harness, plans, NULL, finished_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  report = sng_harness_run_accumulation_finish (harness, result, &error);
  g_assert_no_error (error);
  assert_passes (report);

  sng_harness_run_accumulation_async (harness, wrong, NULL, finished_cb, &refused);
  while (refused == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (sng_harness_run_accumulation_finish (harness, refused, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
}

/* Three steps of an epoch; the fourth is another epoch's, and is the same under all plans. */
static void
test_steps (void)
{
  g_autoptr (SngReport) report = run ("4,2x2", "horizon", 4, NULL);

  assert_passes (report);
}

/* The second window of 8 ends with the epoch, that of 2 x 4 does not: nothing is compared from there on. */
static void
test_end_of_epoch (void)
{
  g_autoptr (SngReport) report = run ("8,2x4", "horizon", 3, NULL);
  const char *const *notes = sng_report_get_notes (get_part (report, 0));

  assert_passes (report);
  g_assert_nonnull (notes);
  g_assert_nonnull (strstr (notes[1], "from step 2 on the plans have other windows"));
}

typedef struct
{
  const char *name;
  FaultId fault;
  const char *line;
  gint64 micro_batch;
  const char *detail;
} Fault;

static const Fault faults[] = {
  { "one-target", ONE_TARGET, "LossDenominator", -1, "the mean of the micro-batches' means" },
  { "samples-for-targets", SAMPLES, "LossDenominator", -1, "the mean of the micro-batches' means" },
  { "undivided", UNDIVIDED, "Gradients", -1, "the sum of means" },
  { "divided-twice", DIVIDED_TWICE, "Gradients", -1,
    "the gradient is 0.25 times as large; the loss is divided by the number" },
  { "weighted-twice", WEIGHTED_TWICE, "Gradients", -1, "other weights" },
  { "forgotten", FORGOTTEN, "Gradients", -1,
    "other weights: under 2x4 the micro-batches would have to weigh 4, 3, 2, 1" },
  { "optimizer-steps", OPTIMIZER_STEPS, "OptimizerState", 1,
    "under 2x4 the optimizer steps at each micro-batch" },
  { "schedule-steps", SCHEDULE_STEPS, "Schedule", 1, "under 2x4 the schedule counts micro-batches" },
  { "schedule-counts", SCHEDULE_COUNTS, "Schedule", -1, "after the step" },
  { "optimizer-repeats", OPTIMIZER_REPEATS, "OptimizerState", -1, "" },
  { "left-out", LEFT_OUT, "Samples", -1, "the plans train on other samples" },
};

static void
check_fault (const Fault *planted, SngReport *report)
{
  SngDivergence *first = sng_report_get_first_divergence (get_part (report, 0));
  g_autofree char *text = NULL;

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_nonnull (first);
  text = sng_divergence_to_string (first);
  g_test_message ("%s", text);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, planted->line);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 1);
  g_assert_cmpint (sng_divergence_get_micro_batch (first), ==, planted->micro_batch);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), planted->detail));
}

static void
test_fault (gconstpointer data)
{
  const Fault *planted = data;
  g_autoptr (SngReport) report = NULL;

  fault = planted->fault;
  report = run ("8,2x4", NULL);
  fault = NO_FAULT;
  check_fault (planted, report);
}

/* A step that one plan alone has made, whichever it is. */
static void
test_step_missing (void)
{
  const char *const plans[] = { "4,2x2", "2x2,4" };

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SngReport) report = NULL;
      SngDivergence *first;

      fault = STEP_MISSING;
      report = run (plans[i], "horizon", 2, "val-check-interval", 1, NULL);
      fault = NO_FAULT;
      first = sng_report_get_first_divergence (get_part (report, 0));
      g_assert_nonnull (first);
      g_assert_cmpstr (sng_divergence_get_metric (first), ==, "Samples");
      g_assert_cmpuint (sng_divergence_get_step (first), ==, 2);
      g_assert_cmpstr (sng_divergence_get_expected (first), ==, i == 0 ? "a step" : "no step");
      g_assert_cmpstr (sng_divergence_get_actual (first), ==, i == 0 ? "no step" : "a step");
    }
}

/* Mixed precision must not hide it. */
static void
test_mixed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (SngReport) report = NULL;

      fault = faults[i].fault;
      report = run ("8,2x4", "precision", i % 2 == 0 ? "bf16-mixed" : "16-mixed", NULL);
      fault = NO_FAULT;
      check_fault (&faults[i], report);
    }
}

/* What the loss says of the denominator, the gradients say as well. */
static void
test_ratios (void)
{
  SngMetricResult *line;
  g_autoptr (SngReport) report = NULL;

  fault = ONE_TARGET;
  report = run ("8,2x4", NULL);
  fault = NO_FAULT;
  line = sng_report_lookup_metric (get_part (report, 0), "Gradients");
  g_assert_nonnull (strstr (sng_divergence_get_detail (sng_metric_result_get_first_divergence (line)),
                            "the mean of means: under 2x4 the micro-batches count alike"));
}

/* Clipping makes the norms of the gradients the same, and the fault with them, but for what it is made of. */
static void
test_clipped (void)
{
  const Fault expected = { "clipped", DIVIDED_TWICE, "Gradients", -1, "the gradient is 0.25 times as large" };
  g_autoptr (SngReport) clean = run ("8,2x4", "gradient-clip-norm", 0.01, NULL);
  g_autoptr (SngReport) report = NULL;

  assert_passes (clean);
  fault = DIVIDED_TWICE;
  report = run ("8,2x4", "gradient-clip-norm", 0.01, NULL);
  fault = NO_FAULT;
  check_fault (&expected, report);
}

/* The gradient that the optimizer uses is told apart from what is wrong in the other plan. */
static void
test_other_way_round (void)
{
  const Fault expected = { "", UNDIVIDED, "Gradients", -1, "the sum of means: under 2x4" };
  g_autoptr (SngReport) report = NULL;

  fault = UNDIVIDED;
  report = run ("2x4,8", NULL);
  fault = NO_FAULT;
  check_fault (&expected, report);
}

static void
test_plans (void)
{
  const struct
  {
    const char *plans;
    const char *message;
  } cases[] = {
    { "8", "at least 2" },
    { "", "is no plan" },
    { "8,4y2", "\"4y2\" is no plan" },
    { "8,4x", "\"4x\" is no plan" },
    { "8,0x4", "is no plan" },
    { "8,4x2x1", "is no plan" },
    { "8,-8", "is no plan" },
    { "8,8x1", "8x1 is there twice" },
    { "8,4x4", "8x1 has 8 samples a step, 4x4 has 16" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = g_object_new (PLAN_TYPE_HARNESS, NULL);
      g_auto (GStrv) split = g_strsplit (cases[i].plans, ",", -1);
      g_autoptr (GError) error = NULL;

      if (*cases[i].plans == '\0')
        {
          g_strfreev (split);
          split = g_strsplit (",8", ",", -1);
        }

      g_assert_null (sng_harness_run_accumulation (harness, (const char *const *) split, NULL, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, cases[i].message));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/accumulation/parity", test_parity);
  g_test_add_func ("/sng/accumulation/processes", test_processes);
  g_test_add_func ("/sng/accumulation/async", test_async);
  g_test_add_func ("/sng/accumulation/steps", test_steps);
  g_test_add_func ("/sng/accumulation/end-of-epoch", test_end_of_epoch);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strconcat ("/sng/accumulation/", faults[i].name, NULL);

      g_test_add_data_func (path, &faults[i], test_fault);
    }
  g_test_add_func ("/sng/accumulation/step-missing", test_step_missing);
  g_test_add_func ("/sng/accumulation/mixed", test_mixed);
  g_test_add_func ("/sng/accumulation/ratios", test_ratios);
  g_test_add_func ("/sng/accumulation/clipped", test_clipped);
  g_test_add_func ("/sng/accumulation/other-way-round", test_other_way_round);
  g_test_add_func ("/sng/accumulation/plans", test_plans);

  return g_test_run ();
}
