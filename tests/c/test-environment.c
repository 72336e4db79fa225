/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "record/sng-environment-private.h"

/* What runs ran in, and what is said where that differs. */

/* KEY=VALUE, with bars in between. */
static GVariant *
make_environment (const char *text)
{
  g_auto (GStrv) settings = g_strsplit (text, "|", 0);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  for (guint i = 0; settings[i] != NULL; i++)
    {
      g_auto (GStrv) sides = g_strsplit (settings[i], "=", 2);

      g_variant_builder_add (&builder, "{ss}", sides[0], sides[1]);
    }

  return g_variant_builder_end (&builder);
}

static void
set_environment (Fixture *fixture, SngMode mode, const char *text)
{
  g_autoptr (GError) error = NULL;

  sng_run_store_set_info (fixture->stores[mode], "environment", make_environment (text), &error);
  g_assert_no_error (error);
}

static void
assert_warnings (SngReport *report, const char *expected)
{
  g_auto (GStrv) warnings = sng_report_list_warnings (report);
  g_autofree char *text = g_strjoinv ("\n", warnings);

  g_assert_cmpstr (text, ==, expected);
}

static gboolean
wrong_loss (Fixture *fixture,
            SngMode mode,
            const char *metric,
            SngStage stage,
            guint64 step,
            gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || strcmp (metric, "Loss") != 0 || step != 5)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (7.0));
  return TRUE;
}

static void
test_merge (void)
{
  g_autoptr (GVariant) merged = g_variant_ref_sink (sng_environment_merge (
      make_environment ("torch=1|gpu=A|alpha=x"), make_environment ("torch=2|beta=y")));
  g_autofree char *text = g_variant_print (merged, FALSE);

  g_assert_cmpstr (text, ==, "{'alpha': 'x', 'beta': 'y', 'gpu': 'A', 'torch': '2'}");
}

/* Only what libraries take settings from, and that they are not set is no setting. */
static void
test_variables (void)
{
  g_autoptr (GVariant) variables = NULL;
  const char *value = NULL;

  g_setenv ("NVIDIA_TF32_OVERRIDE", "0", TRUE);
  g_setenv ("CUBLAS_WORKSPACE_CONFIG", ":4096:8", TRUE);
  g_setenv ("SNG_RUN_DIR", "/somewhere", TRUE);
  g_unsetenv ("MKL_CBWR");
  variables = g_variant_ref_sink (sng_environment_read_variables ());

  g_assert_true (g_variant_lookup (variables, "NVIDIA_TF32_OVERRIDE", "&s", &value));
  g_assert_cmpstr (value, ==, "0");
  g_assert_true (g_variant_lookup (variables, "CUBLAS_WORKSPACE_CONFIG", "&s", &value));
  g_assert_cmpstr (value, ==, ":4096:8");
  g_assert_false (g_variant_lookup (variables, "SNG_RUN_DIR", "&s", &value));
  g_assert_false (g_variant_lookup (variables, "MKL_CBWR", "&s", &value));
  g_unsetenv ("SNG_RUN_DIR");
}

static void
test_equal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=570.2|device=cuda:0|threads=1");
  set_environment (fixture, SNG_MODE_STOP, "threads=2|driver=570.2|device=cuda:0");
  set_environment (fixture, SNG_MODE_RESUME, "device=cuda:0|driver=570.2|threads=2");
  report = record_and_compare (fixture, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_warnings (report, "");
}

/* A store that has none, as older ones, is not held against one that has. */
static void
test_unknown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=570.2");
  report = record_and_compare (fixture, NULL);
  assert_warnings (report, "");
}

/* Equal bits are equal, wherever they come from; but it is said. */
static void
test_pass (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = TRUE;
  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=570.2|NVIDIA_TF32_OVERRIDE=0|torch=2.9");
  set_environment (fixture, SNG_MODE_STOP, "driver=580.1|NVIDIA_TF32_OVERRIDE=0|torch=2.9");
  set_environment (fixture, SNG_MODE_RESUME, "driver=580.1|torch=2.9|gpu=Abacus");
  set_environment (fixture, SNG_MODE_REPEAT, "driver=570.2|NVIDIA_TF32_OVERRIDE=0|torch=2.8");
  report = record_and_compare (fixture, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_warnings (report, "environment: stop, resume have driver 580.1, continuous 570.2\n"
                           "environment: resume has no NVIDIA_TF32_OVERRIDE, continuous 0\n"
                           "environment: resume has gpu Abacus, continuous none\n"
                           "environment: repeat has torch 2.8, continuous 2.9");
}

/* A run that knows of fewer choices than another one does not differ from it; where both know, they count, after what may be
 * their reason. */
static void
test_choices (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = TRUE;
  set_environment (fixture, SNG_MODE_CONTINUOUS, "cublaslt 1x1=algorithm 1|cublaslt 2x2=algorithm 2|gpu=A");
  set_environment (fixture, SNG_MODE_STOP, "cublaslt 3x3=algorithm 3|gpu=A");
  set_environment (fixture, SNG_MODE_RESUME, "cublaslt 2x2=algorithm 4|cublaslt 3x3=algorithm 4|gpu=B");
  set_environment (fixture, SNG_MODE_REPEAT, "cublaslt 1x1=algorithm 1|cublaslt-algorithms=any|gpu=A");
  report = record_and_compare (fixture, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_warnings (report, "environment: resume has gpu B, continuous A\n"
                           "environment: resume has cublaslt 2x2 algorithm 4, continuous algorithm 2\n"
                           "environment: repeat has cublaslt-algorithms any, continuous none");
}

/* Not a line for each of the thousands that there may be, in no format. */
static void
test_many_choices (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autofree char *json = NULL;
  g_autofree char *html = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS,
                   "cublaslt 1=a|cublaslt 2=a|cublaslt 3=a|cublaslt 4=a|cublaslt 5=a|cublaslt 6=a");
  set_environment (fixture, SNG_MODE_STOP, "cublaslt 1=b|cublaslt 2=b|cublaslt 3=b|cublaslt 4=a");
  set_environment (fixture, SNG_MODE_RESUME,
                   "cublaslt 1=b|cublaslt 2=b|cublaslt 3=b|cublaslt 4=b|cublaslt 5=b|cublaslt 7=b");
  report = record_and_compare (fixture, NULL);

  json = sng_report_to_json (report);
  html = sng_report_to_html (report);

  assert_warnings (report,
                   "environment: stop, resume have cublaslt 1 b, continuous a\n"
                   "environment: stop, resume have cublaslt 2 b, continuous a\n"
                   "environment: stop has cublaslt 3 b, continuous a\n"
                   "environment: resume has cublaslt 3 b, continuous a, and 2 more algorithms that differ");
  g_assert_nonnull (strstr (json, "\"cublaslt 3\" : \"b\""));
  g_assert_null (strstr (json, "\"cublaslt 4\""));
  g_assert_nonnull (strstr (html, ">cublaslt 3</th><td><code>b</code></td><td>stop, resume</td>"));
  g_assert_null (strstr (html, "cublaslt 4"));
  g_assert_null (strstr (html, "(none)"));
}

static void
set_devices (Fixture *fixture)
{
  set_environment (fixture, SNG_MODE_CONTINUOUS, "device=cpu|libsng=1");
  set_environment (fixture, SNG_MODE_STOP, "device=cpu|libsng=1");
  set_environment (fixture, SNG_MODE_RESUME,
                   "cublaslt 1x1=algorithm 1|device=cuda:1|gpu=Abacus|driver=580.1|libsng=2");
}

static void
test_device (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_devices (fixture);
  report = record_and_compare (fixture, NULL);
  assert_warnings (report,
                   "environment: resume ran on cuda:1 (driver 580.1, gpu Abacus), continuous on cpu: bit "
                   "equality cannot be expected; no tolerance was set\n"
                   "environment: resume has libsng 2, continuous 1");
}

static void
test_device_with_tolerance (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-6;
  set_devices (fixture);
  report = record_and_compare (fixture, NULL);
  assert_warnings (report,
                   "environment: resume ran on cuda:1 (driver 580.1, gpu Abacus), continuous on cpu: bit "
                   "equality cannot be expected; compared to tolerance\n"
                   "environment: resume has libsng 2, continuous 1");
}

/* Two GPUs are devices of one kind. */
static void
test_second_gpu (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "device=cuda:0");
  set_environment (fixture, SNG_MODE_STOP, "device=cuda:0");
  set_environment (fixture, SNG_MODE_RESUME, "device=cuda:1");
  report = record_and_compare (fixture, NULL);
  assert_warnings (report, "environment: resume has device cuda:1, continuous cuda:0");
}

static void
assert_before (const char *text, const char *first, const char *second)
{
  const char *a = strstr (text, first);
  const char *b = strstr (text, second);

  g_assert_nonnull (a);
  g_assert_nonnull (b);
  g_assert_true (a < b);
}

/* In every format it stands before the numbers. */
static void
test_writers (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autofree char *text = NULL;
  g_autofree char *json = NULL;
  g_autofree char *junit = NULL;
  g_autofree char *tap = NULL;
  g_autofree char *html = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=<570>");
  set_environment (fixture, SNG_MODE_RESUME, "driver=580\n1");
  report = record_and_compare (fixture, wrong_loss);
  text = sng_report_to_text (report);
  json = sng_report_to_json (report);
  junit = sng_report_to_junit (report);
  tap = sng_report_to_tap (report);
  html = sng_report_to_html (report);

  g_assert_true (
      g_str_has_prefix (text, "warning: environment: resume has driver 580\\n1, continuous <570>\n\nmetric"));
  assert_before (json,
                 "\"warnings\" : [\n    \"environment: resume has driver 580\\n1, continuous <570>\"\n  ]",
                 "\"first_divergence\"");
  assert_before (junit, "<property name=\"warning\" value=\"environment: resume has driver", "<testcase");
  assert_before (junit, "continuous &lt;570&gt;\"/>", "<testcase");
  assert_before (tap, "\n# warning: environment: resume has driver 580\\n1, continuous <570>\n", "ok 1");
  assert_before (html, "<section id=\"warnings\">", "<section id=\"divergence\">");
  g_assert_nonnull (strstr (html, "<li>environment: resume has driver 580\n1, continuous &lt;570&gt;</li>"));
}

/* Of runs that ran in the same there is nothing to say, and no place for it. */
static void
test_writers_without (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autofree char *text = NULL;
  g_autofree char *junit = NULL;
  g_autofree char *tap = NULL;
  g_autofree char *html = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "cublaslt 1x1=algorithm 1|gpu=A");
  set_environment (fixture, SNG_MODE_RESUME, "cublaslt 2x2=algorithm 2|gpu=A");
  report = record_and_compare (fixture, wrong_loss);
  text = sng_report_to_text (report);
  junit = sng_report_to_junit (report);
  tap = sng_report_to_tap (report);
  html = sng_report_to_html (report);

  g_assert_true (g_str_has_prefix (text, "metric"));
  g_assert_null (strstr (junit, "propert"));
  g_assert_null (strstr (tap, "warning"));
  g_assert_null (strstr (html, "id=\"warnings\""));
  g_assert_nonnull (strstr (html, "<p>Nothing differs between the runs.</p>"));
}

static SngDiagnosis *
diagnose (Fixture *fixture, SngReport *report)
{
  g_autoptr (GPtrArray) segments = g_ptr_array_new ();

  g_ptr_array_add (segments, fixture->stores[SNG_MODE_STOP]);
  g_ptr_array_add (segments, fixture->stores[SNG_MODE_RESUME]);

  return sng_diagnose_report (report, fixture->stores[SNG_MODE_CONTINUOUS], segments);
}

/* Nothing else tells why; the evidence has every difference. */
static void
test_diagnosis (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngDiagnosis) diagnosis = NULL;
  g_autofree char *evidence = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "a=1|b=1|c=1|d=1");
  set_environment (fixture, SNG_MODE_RESUME, "a=2|b=2|c=2|e=2");
  report = record_and_compare (fixture, wrong_loss);
  diagnosis = diagnose (fixture, report);

  g_assert_cmpint (sng_diagnosis_get_cause (diagnosis), ==, SNG_CAUSE_ENVIRONMENT);
  g_assert_true (g_str_has_prefix (sng_diagnosis_get_sentence (diagnosis),
                                   "the two runs cannot be compared: resume has a 2, continuous 1, resume "
                                   "has b 2, continuous 1, resume has c "
                                   "2, continuous 1 and 2 more; Loss differs first, at step 5"));
  evidence = g_strjoinv ("\n", (char **) sng_diagnosis_get_evidence (diagnosis));
  g_assert_nonnull (strstr (evidence, "resume has no d, continuous 1\nresume has e 2, continuous none"));
}

/* A choice that only one has is no reason; another one is. */
static void
test_diagnosis_of_choices (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngDiagnosis) lone = NULL;
  g_autoptr (SngDiagnosis) other = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "cublaslt 1x1=algorithm 1|cublaslt 2x2=algorithm 1|gpu=A");
  set_environment (fixture, SNG_MODE_RESUME, "cublaslt 2x2=algorithm 1|cublaslt 3x3=algorithm 1|gpu=A");
  report = record_and_compare (fixture, wrong_loss);
  lone = diagnose (fixture, report);
  g_assert_cmpint (sng_diagnosis_get_cause (lone), ==, SNG_CAUSE_UNKNOWN);

  set_environment (fixture, SNG_MODE_RESUME, "cublaslt 2x2=algorithm 2|cublaslt 3x3=algorithm 1|gpu=A");
  other = diagnose (fixture, report);
  g_assert_cmpint (sng_diagnosis_get_cause (other), ==, SNG_CAUSE_ENVIRONMENT);
  g_assert_true (
      g_str_has_prefix (sng_diagnosis_get_sentence (other),
                        "the two runs cannot be compared: resume has cublaslt 2x2 algorithm 2, continuous "
                        "algorithm 1; Loss"));
}

static gboolean
wrong_rate (Fixture *fixture,
            SngMode mode,
            const char *metric,
            SngStage stage,
            guint64 step,
            gint64 micro_batch)
{
  gboolean is_wrong = (mode == SNG_MODE_RESUME || mode == SNG_MODE_REPEAT) && step >= 5;

  if (strcmp (metric, "Loss") == 0 && stage == SNG_STAGE_TRAIN && micro_batch == 0)
    record (fixture, mode, "LearningRate", stage, step, -1, "",
            g_variant_new_double (is_wrong ? 7.0 : 1.0 / (double) step));

  return FALSE;
}

/* A cause that the records tell stays the cause, but that is said after the environment. */
static void
test_diagnosis_of_cause (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngDiagnosis) diagnosis = NULL;

  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=570.2");
  set_environment (fixture, SNG_MODE_RESUME, "driver=580.1");
  report = record_and_compare (fixture, wrong_rate);
  diagnosis = diagnose (fixture, report);

  g_assert_cmpint (sng_diagnosis_get_cause (diagnosis), ==, SNG_CAUSE_SCHEDULE);
  g_assert_true (g_str_has_prefix (
      sng_diagnosis_get_sentence (diagnosis),
      "the two runs cannot be compared: resume has driver 580.1, continuous 570.2; the learning rate"));
}

/* Two unbroken runs in two environments say nothing about the training. */
static void
test_diagnosis_of_repeat (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngDiagnosis) diagnosis = NULL;

  fixture->has_repeat = TRUE;
  set_environment (fixture, SNG_MODE_CONTINUOUS, "driver=570.2");
  set_environment (fixture, SNG_MODE_REPEAT, "driver=580.1");
  report = record_and_compare (fixture, wrong_rate);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
  diagnosis = diagnose (fixture, report);

  g_assert_cmpint (sng_diagnosis_get_cause (diagnosis), ==, SNG_CAUSE_ENVIRONMENT);
  g_assert_true (
      g_str_has_prefix (sng_diagnosis_get_sentence (diagnosis),
                        "the two runs cannot be compared: repeat has driver 580.1, continuous 570.2; two"));
}

static double planted; /* in 8 units in the last place of 1 */

/* REPEAT rounds one weight to its neighbour, RESUME another and larger one. */
static gboolean
rounded (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  g_autoptr (SngTensor) tensor = NULL;
  float *elements;

  if (strcmp (metric, "Weights") != 0)
    return FALSE;

  tensor = make_tensor (SNG_DTYPE_F32, 2, 3, 0.0);
  elements = sng_tensor_get_data (tensor);
  for (guint i = 0; i < 6; i++)
    elements[i] = (i == 0 ? 1e-5f : 1.0f) * (float) step;
  if (mode == SNG_MODE_REPEAT && step == 5)
    elements[0] = nextafterf (elements[0], 1.0f);
  if (mode == SNG_MODE_RESUME && step == 5)
    elements[1] += 8.0f * FLT_EPSILON * (float) planted;
  record_tensor (fixture, mode, step, tensor);

  return TRUE;
}

static SngVerdict
judge_rounding (Fixture *fixture, const char *device, double size)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = fixture->is_captured = fixture->accepts_noise = TRUE;
  planted = size;
  set_environment (fixture, SNG_MODE_CONTINUOUS, "device=cpu");
  set_environment (fixture, SNG_MODE_RESUME, device);
  set_environment (fixture, SNG_MODE_REPEAT, device);
  report = record_and_compare (fixture, rounded);

  return sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights"));
}

/* What is rounded otherwise on another device is accepted, */
static void
test_rounding (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (judge_rounding (fixture, "device=cuda:0", 1.0), ==, SNG_VERDICT_PASS);
}

/* a hundred times that is not, */
static void
test_more_than_rounding (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (judge_rounding (fixture, "device=cuda:0", 100.0), ==, SNG_VERDICT_DIVERGED);
}

/* and on the same device nothing but ten times the noise of the path is. */
static void
test_no_rounding (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (judge_rounding (fixture, "device=cpu", 1.0), ==, SNG_VERDICT_DIVERGED);
}

#define add(name, function)                                                                                  \
 g_test_add ("/sng/environment/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/environment/merge", test_merge);
  g_test_add_func ("/sng/environment/variables", test_variables);
  add ("equal", test_equal);
  add ("unknown", test_unknown);
  add ("pass", test_pass);
  add ("choices", test_choices);
  add ("many-choices", test_many_choices);
  add ("device", test_device);
  add ("device-with-tolerance", test_device_with_tolerance);
  add ("second-gpu", test_second_gpu);
  add ("rounding", test_rounding);
  add ("more-than-rounding", test_more_than_rounding);
  add ("no-rounding", test_no_rounding);
  add ("writers", test_writers);
  add ("writers-without", test_writers_without);
  add ("diagnosis", test_diagnosis);
  add ("diagnosis-of-choices", test_diagnosis_of_choices);
  add ("diagnosis-of-cause", test_diagnosis_of_cause);
  add ("diagnosis-of-repeat", test_diagnosis_of_repeat);

  return g_test_run ();
}
