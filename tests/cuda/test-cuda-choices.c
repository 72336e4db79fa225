/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

#include <string.h>

#include "tensor/sng-device-private.h"

/* How products are computed is in the record of each run that comes to its end, and where runs differ in it, the report says so.
 * The harness does what its exp-name says:
 *   other    before RESUME another model is trained
 *   tile     cuBLASLt chooses otherwise in the process of RESUME
 *   variable a setting changes while a run is under way
 *   same     nothing of that */

#define SETTING "NVIDIA_TF32_OVERRIDE"

struct _ChoiceHarness
{
  SngHarness parent_instance;
};

#define CHOICE_TYPE_HARNESS (choice_harness_get_type ())
G_DECLARE_FINAL_TYPE (ChoiceHarness, choice_harness, CHOICE, HARNESS, SngHarness)
G_DEFINE_FINAL_TYPE (ChoiceHarness, choice_harness, SNG_TYPE_HARNESS)

static gboolean
is_named (gpointer harness, const char *name)
{
  g_autofree char *exp_name = NULL;

  g_object_get (harness, "exp-name", &exp_name, NULL);
  return g_str_equal (exp_name, name);
}

static SngSetup *
new_setup (guint hidden_size, SngDevice *device, GError **error)
{
  g_autoptr (SngTransformerConfig) config =
      sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 1, hidden_size, 2);
  g_autoptr (SngDataModule) data_module = sng_fasta_data_module_new (NULL, 16);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngLrScheduler) scheduler = NULL;

  g_object_set (config, "max-length", 16, "max-batch-size", 2, NULL);
  model = sng_transformer_new (config, device, error);
  if (model == NULL)
    return NULL;

  parameters = sng_model_get_parameters (model, error);
  optimizer = sng_adamw_new (parameters, 1e-3, 0.01);
  scheduler = sng_linear_warmup_lr_new (1e-3, 4);
  return sng_setup_new (model, data_module, optimizer, scheduler);
}

static void
train_other (SngDevice *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngSetup) setup = new_setup (24, device, &error);
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();

  g_assert_no_error (error);
  g_object_set (trainer, "micro-batch-size", 2, "max-steps", (guint64) 1, NULL);
  sng_trainer_attach (trainer, sng_setup_get_model (setup), sng_setup_get_data_module (setup),
                      sng_setup_get_optimizer (setup), sng_setup_get_lr_scheduler (setup), &error);
  g_assert_no_error (error);
  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

static SngSetup *
choice_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (SngDevice) device = sng_harness_create_device (harness, mode, error);

  if (device == NULL)
    return NULL;

  if (is_named (harness, "other") && mode == SNG_MODE_RESUME)
    train_other (device);
  if (is_named (harness, "tile") && mode == SNG_MODE_RESUME)
    g_setenv ("SNG_EMULATOR_TILE", "18", TRUE);
  if (is_named (harness, "variable"))
    g_setenv (SETTING, "0", TRUE);
  return new_setup (16, device, error);
}

static void
step_finished_cb (SngTrainer *trainer, gpointer data)
{
  g_setenv (SETTING, "1", TRUE);
}

static SngTrainer *
choice_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngTrainer *trainer = SNG_HARNESS_CLASS (choice_harness_parent_class)->setup_trainer (harness, mode, error);

  if (is_named (harness, "variable"))
    g_signal_connect (trainer, "step-finished", G_CALLBACK (step_finished_cb), NULL);
  return trainer;
}

static void
choice_harness_class_init (ChoiceHarnessClass *klass)
{
  SNG_HARNESS_CLASS (klass)->setup_model = choice_harness_setup_model;
  SNG_HARNESS_CLASS (klass)->setup_trainer = choice_harness_setup_trainer;
}

static void
choice_harness_init (ChoiceHarness *self)
{
  g_object_set (self, "device", "cuda", "num-steps", 3, "micro-batch-size", 2, "val-check-interval", 1, NULL);
}

static SngReport *
check (const char *exp_name, SngIsolation isolation, const char *stops)
{
  g_autoptr (SngHarness) harness = g_object_new (CHOICE_TYPE_HARNESS, "exp-name", exp_name, "isolation",
                                                 isolation, "stop-plan", stops, NULL);
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  return report;
}

static GVariant *
get_environment (SngReport *report, SngMode mode)
{
  GListModel *runs = sng_report_get_runs (report);

  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      if (sng_report_run_get_mode (run) == mode)
        return sng_report_run_get_environment (run); /* the report keeps it */
    }
  g_assert_not_reached ();
}

static guint
count_choices (SngReport *report, SngMode mode)
{
  guint count = 0;
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, get_environment (report, mode));
  while (g_variant_iter_next (&iter, "{&s&s}", &key, NULL))
    count += g_str_has_prefix (key, SNG_DEVICE_CHOICE);
  return count;
}

static void
assert_no_warning (SngReport *report)
{
  g_auto (GStrv) warnings = sng_report_list_warnings (report);

  g_assert_cmpstrv (warnings, (const char *const[]){ NULL });
}

/* Whichever runs were before in a process, none is told to differ for what it knows of. */
static void
test_other (void)
{
  g_autoptr (SngReport) report = check ("other", SNG_ISOLATION_NONE, "1");

  g_assert_cmpuint (count_choices (report, SNG_MODE_STOP), >, 5);
  g_assert_cmpuint (count_choices (report, SNG_MODE_RESUME), >, count_choices (report, SNG_MODE_STOP) + 5);
  assert_no_warning (report);
}

/* What a run began with stays, so that one which was killed can be held against one which was not. */
static void
test_variable (void)
{
  g_autoptr (SngReport) report = check ("variable", SNG_ISOLATION_NONE, "1");
  const char *value = NULL;

  g_assert_true (g_variant_lookup (get_environment (report, SNG_MODE_STOP), SETTING, "&s", &value));
  g_assert_cmpstr (value, ==, "0");
  assert_no_warning (report);
  g_unsetenv (SETTING);
}

/* Who was killed could not say what it had chosen. */
static void
test_killed (void)
{
  g_autoptr (SngReport) report = check ("same", SNG_ISOLATION_PROCESS, "1:kill");

  g_assert_cmpuint (count_choices (report, SNG_MODE_STOP), ==, 0);
  g_assert_cmpuint (count_choices (report, SNG_MODE_RESUME), >, 5);
  assert_no_warning (report);
}

static gboolean
is_emulated (void)
{
  g_autoptr (GVariant) description = sng_device_describe (twin_cuda ());
  const char *compiler = "";

  return g_variant_lookup (description, "cuda-compiler", "&s", &compiler)
         && g_str_equal (compiler, "emulator");
}

static void
test_tile (void)
{
  g_autoptr (SngReport) report = NULL;
  g_autofree char *text = NULL;
  g_autofree char *html = NULL;
  g_autofree char *more = NULL;

  if (!is_emulated ())
    {
      g_test_skip ("a real cuBLASLt cannot be told what to choose");
      return;
    }

  report = check ("tile", SNG_ISOLATION_PROCESS, "1");
  text = sng_report_to_text (report);
  html = sng_report_to_html (report);
  g_assert_true (g_str_has_prefix (text, "warning: environment: resume-000001 has cublaslt "));
  g_assert_nonnull (strstr (text, " tile 18 stages 8 split "));
  g_assert_nonnull (strstr (text, ", continuous algorithm "));
  more = g_strdup_printf (", and %u more algorithms that differ\n\nmetric ",
                          count_choices (report, SNG_MODE_RESUME) - 3);
  g_assert_nonnull (strstr (text, more));
  g_assert_nonnull (strstr (html, "<section id=\"warnings\">"));
}

int
main (int argc, char *argv[])
{
  if (sng_harness_is_child ())
    {
      g_autoptr (SngReport) report =
          check (g_getenv ("SNG_CHILD_HARNESS"), SNG_ISOLATION_PROCESS, "1"); /* does not return */

      return 1;
    }

  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  g_test_add_func ("/sng/cuda/choices/other", test_other);
  g_test_add_func ("/sng/cuda/choices/variable", test_variable);
  g_test_add_func ("/sng/cuda/choices/killed", test_killed);
  g_test_add_func ("/sng/cuda/choices/tile", test_tile);

  return g_test_run ();
}
