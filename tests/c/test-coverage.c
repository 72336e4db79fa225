/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include <glib/gstdio.h>

/* Six samples in micro-batches of two, one a step: three steps an epoch. */
#define N_SAMPLES 6

typedef struct
{
  char *directory;
  GPtrArray *stores;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-coverage-XXXXXX", NULL);
  fixture->stores = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_ptr_array_unref (fixture->stores);
  dir = g_dir_open (fixture->directory, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
}

static SngRunStore *
create_store (Fixture *fixture)
{
  g_autofree char *path = g_strdup_printf ("%s/%u.db", fixture->directory, fixture->stores->len);
  g_autoptr (GError) error = NULL;
  SngRunStore *store = sng_run_store_create (path, &error);

  g_assert_no_error (error);
  g_ptr_array_add (fixture->stores, store);

  return store;
}

static void
record (SngRunStore *store, guint rank, guint64 step, gint64 micro_batch, const char *samples)
{
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, rank);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = g_variant_parse (G_VARIANT_TYPE ("(tax)"), samples, NULL, NULL, &error);

  g_assert_no_error (error);
  sng_recorder_record_value (recorder, "SampleIds", SNG_STAGE_TRAIN, step, micro_batch, "", value, &error);
  g_assert_no_error (error);
}

/* A run of one rank: `STEP: EPOCH ID ID; …`, a micro-batch each. Micro-batches of one step are counted. */
static SngRunStore *
record_run (Fixture *fixture, const char *text)
{
  SngRunStore *store = create_store (fixture);
  g_auto (GStrv) parts = g_strsplit (text, "; ", -1);
  guint64 last_step = 0;
  gint64 micro_batch = 0;

  for (char **part = parts; *part != NULL; part++)
    {
      g_auto (GStrv) words = g_strsplit_set (*part, ": ", -1);
      g_autofree char *ids = g_strjoinv (", ", words + 3);
      g_autofree char *samples = g_strdup_printf ("(%s, [%s])", words[2], ids);
      guint64 step = g_ascii_strtoull (words[0], NULL, 10);

      micro_batch = step == last_step ? micro_batch + 1 : 0;
      last_step = step;
      record (store, 0, step, micro_batch, samples);
    }

  return store;
}

static SngMetricResult *
audit (SngCoverage *coverage)
{
  g_autoptr (GError) error = NULL;
  SngMetricResult *result = sng_coverage_audit (coverage, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  g_assert_cmpstr (sng_metric_result_get_name (result), ==, "Coverage");

  return result;
}

/* A training by its segments, of which each but the first is what a RESUME did. */
static SngCoverage *
create (Fixture *fixture, SngCoveragePolicy policy, const char *const *runs)
{
  SngCoverage *coverage = sng_coverage_new (policy);

  sng_coverage_set_n_samples (coverage, N_SAMPLES);
  for (guint i = 0; runs[i] != NULL; i++)
    sng_coverage_add_segment (coverage, i == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME,
                              record_run (fixture, runs[i]));

  return coverage;
}

#define CONTINUOUS "1: 0 3 1; 2: 0 0 5; 3: 0 2 4; 4: 1 5 2; 5: 1 0 3; 6: 1 1 4; 7: 2 4 0"

typedef struct
{
  const char *name;
  SngCoveragePolicy policy;
  guint64 padding;
  const char *runs[4];
  SngVerdict verdict;
  guint64 n_different;
  const char *first; /* or the reason */
} Case;

#define ONCE SNG_COVERAGE_POLICY_EXACTLY_ONCE
#define LEAST SNG_COVERAGE_POLICY_AT_LEAST_ONCE
#define APART SNG_COVERAGE_POLICY_NO_OVERLAP
#define PASSES SNG_VERDICT_PASS, 0, NULL
#define DIVERGES(n, first) SNG_VERDICT_DIVERGED, n, first

static const Case cases[] = {
  /* what is right: any order, a stop in the midst of an epoch, two of them, and a last epoch that is cut short */
  { "continuous", ONCE, 0, { CONTINUOUS }, PASSES },
  { "stops",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5", "3: 0 2 4; 4: 1 5 2", "5: 1 0 3; 6: 1 1 4; 7: 2 4 0" },
    PASSES },
  { "permutation",
    ONCE,
    0,
    { "1: 0 0 1; 2: 0 2 3; 3: 0 4 5; 4: 1 0 1; 5: 1 2 3; 6: 1 4 5; 7: 2 0 1" },
    PASSES },
  { "window-over-the-end",
    ONCE,
    0,
    { "1: 0 3 1; 1: 0 0 5; 2: 0 2 4; 2: 1 5 2; 3: 1 0 1; 3: 1 3 4" },
    PASSES },
  /* killed after step 4, two steps after its checkpoint: what was done again counts once */
  { "repeated-steps",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 2 4; 4: 1 5 2", "3: 0 2 4; 4: 1 5 2; 5: 1 0 3" },
    PASSES },
  /* and as the later segment did it, for better */
  { "repeated-steps-right",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 3 1; 3: 0 2 4", "2: 0 0 5; 3: 0 2 4; 4: 1 5 2" },
    PASSES },
  /* or worse */
  { "repeated-steps-wrong",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 2 4", "2: 0 3 1; 3: 0 2 4; 4: 1 5 2" },
    DIVERGES (
        4,
        "step 2, train, micro-batch 0, \"epoch 0, sample 3\" (resume): expected once, found once more; first "
        "taken in step 1, micro-batch 0, rank 0 (stop)") },
  /* a sample that is there again, in the same and in a later segment, and in one micro-batch */
  { "repeat",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5", "3: 0 0 5" },
    DIVERGES (
        2,
        "step 3, train, micro-batch 0, \"epoch 0, sample 0\" (resume): expected once, found once more; first "
        "taken in step 2, micro-batch 0, rank 0 (stop)") },
  { "repeat-in-batch",
    ONCE,
    0,
    { "1: 0 3 3" },
    DIVERGES (1, "step 1, train, micro-batch 0, \"epoch 0, sample 3\" (stop)") },
  { "restart",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 2 4; 4: 1 5 2", "5: 1 5 2; 6: 1 0 3; 7: 1 1 4" },
    DIVERGES (2, "step 5, train, micro-batch 0, \"epoch 1, sample 5\" (resume)") },
  /* missing at the epoch's end, in its midst, the whole rest, a whole epoch */
  { "skip",
    ONCE,
    0,
    { "1: 0 3 1", "2: 0 2 4; 3: 1 5 2" },
    DIVERGES (
        2,
        "step 2, train, micro-batch 0, \"epoch 0, sample 0\" (resume): expected once, found never; the epoch "
        "ends here") },
  { "skip-at-end",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 2; 4: 1 5 2" },
    DIVERGES (1, "step 3, train, micro-batch 0, \"epoch 0, sample 4\"") },
  { "rest-dropped",
    ONCE,
    0,
    { "1: 0 3 1", "2: 1 5 2; 3: 1 0 3" },
    DIVERGES (4, "step 1, train, micro-batch 0, \"epoch 0, sample 0\" (stop)") },
  { "epoch-skipped",
    ONCE,
    0,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 2 4", "4: 2 5 2" },
    DIVERGES (1,
              "step 4, train, micro-batch 0, \"epoch 1\" (resume): expected 6 samples, found none; epoch 2 "
              "begins here") },
  /* the last epoch is not over: nothing is missing yet */
  { "cut-short", ONCE, 0, { "1: 0 3 1; 2: 0 0 5" }, PASSES },
  /* a RESUME alone begins in the midst of an epoch */
  { "begins-late", ONCE, 0, { "2: 0 0 5; 3: 0 2 4; 4: 1 5 2; 5: 1 0 3; 6: 1 1 4; 7: 2 4 0" }, PASSES },
  /* padding: declared, too much of it, not declared, before all were taken */
  { "padding", ONCE, 2, { "1: 0 3 1 0 5; 2: 0 2 4 3 1; 3: 1 5 2 0 3; 4: 1 1 4 5 2" }, PASSES },
  { "padding-too-much",
    ONCE,
    1,
    { "1: 0 3 1 0 5; 2: 0 2 4 3 1; 3: 1 5 2 0 3" },
    DIVERGES (1,
              "step 2, train, micro-batch 0, \"epoch 0, sample 1\" (stop): expected once, found once more; "
              "first taken "
              "in step 1, micro-batch 0, rank 0 (stop); 1 at the end of an epoch are declared padding") },
  { "padding-undeclared",
    ONCE,
    0,
    { "1: 0 3 1 0 5; 2: 0 2 4 3 1; 3: 1 5 2 0 3" },
    DIVERGES (2, "\"epoch 0, sample 3\"") },
  { "padding-too-early",
    ONCE,
    2,
    { "1: 0 3 1; 2: 0 3 1; 3: 0 0 5; 4: 0 2 4; 5: 1 3 1" },
    DIVERGES (2, "step 2, train, micro-batch 0, \"epoch 0, sample 3\"") },
  { "padding-in-place",
    ONCE,
    2,
    { "1: 0 3 1; 2: 0 0 5; 3: 0 3 1; 4: 1 3 1" },
    DIVERGES (4, "step 3, train, micro-batch 0, \"epoch 0, sample") },
  /* the other policies */
  { "at-least-once", LEAST, 0, { "1: 0 3 1; 2: 0 0 5", "3: 0 0 5; 4: 0 2 4; 5: 1 2 4" }, PASSES },
  { "at-least-once-skip",
    LEAST,
    0,
    { "1: 0 3 1; 2: 0 0 5", "3: 0 0 5; 4: 0 2 2; 5: 1 2 4" },
    DIVERGES (1, "\"epoch 0, sample 4\" (resume): expected at least once, found never") },
  { "at-least-once-short",
    LEAST,
    0,
    { "1: 0 3 1; 2: 0 0 5" },
    SNG_VERDICT_INCONCLUSIVE,
    0,
    "no epoch came to its end" },
  { "no-overlap-one-rank", APART, 0, { CONTINUOUS }, SNG_VERDICT_INCONCLUSIVE, 0, "one rank only" },
};

static void
check_result (SngMetricResult *result, SngVerdict verdict, guint64 n_different, const char *first)
{
  g_autofree char *text = NULL;

  if (sng_metric_result_get_first_divergence (result) != NULL)
    text = sng_divergence_to_string (sng_metric_result_get_first_divergence (result));
  else
    text = g_strdup (sng_metric_result_get_reason (result));

  g_test_message ("%s", text != NULL ? text : "nothing");
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, verdict);
  g_assert_cmpuint (sng_metric_result_get_n_different (result), ==, n_different);
  if (first != NULL)
    g_assert_nonnull (strstr (text, first));
  else
    g_assert_null (text);
}

static void
test_case (Fixture *fixture, gconstpointer data)
{
  const Case *c = data;
  g_autoptr (SngCoverage) coverage = create (fixture, c->policy, c->runs);
  g_autoptr (SngMetricResult) result = NULL;

  sng_coverage_set_padding (coverage, c->padding);
  result = audit (coverage);
  check_result (result, c->verdict, c->n_different, c->first);
  g_assert_cmpuint (sng_metric_result_get_compared (result), >, 0);
}

/* What the continuous run has says where a sample should have been; it is a training of its own, and so is the repetition. */
static void
test_beside_continuous (Fixture *fixture, gconstpointer data)
{
  const char *const runs[] = { "1: 0 3 1", "2: 0 2 4; 3: 1 5 2", NULL };
  g_autoptr (SngCoverage) coverage = create (fixture, ONCE, runs);
  g_autoptr (SngMetricResult) result = NULL;
  g_autoptr (SngMetricResult) again = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, record_run (fixture, CONTINUOUS));
  sng_coverage_add_segment (coverage, SNG_MODE_REPEAT, record_run (fixture, CONTINUOUS));
  result = audit (coverage);
  g_assert_cmpuint (sng_metric_result_get_compared (result), ==, 3 * 2 + 2 * 14);
  check_result (
      result,
      DIVERGES (2,
                "step 2, train, micro-batch 0, \"epoch 0, sample 0\" (resume): expected once, found never; "
                "where the continuous run takes it"));

  /* what all of them do wrong is nobody's resume */
  sng_coverage_add_segment (coverage, SNG_MODE_REPEAT, record_run (fixture, "8: 2 4 1"));
  again = audit (coverage);
  check_result (again, DIVERGES (3, "\"epoch 0, sample 0\" (resume)"));
}

/* A fault of the data, which no comparison with CONTINUOUS can see. */
static void
test_same_fault_everywhere (Fixture *fixture, gconstpointer data)
{
  const char *const runs[] = { "1: 0 3 1; 2: 0 0 5", "3: 0 2 2; 4: 1 5 2", NULL };
  g_autoptr (SngCoverage) coverage = create (fixture, ONCE, runs);
  g_autoptr (SngMetricResult) result = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS,
                            record_run (fixture, "1: 0 3 1; 2: 0 0 5; 3: 0 2 2; 4: 1 5 2"));
  result = audit (coverage);
  check_result (result, DIVERGES (4, "step 3, train, micro-batch 0, \"epoch 0, sample 2\" (continuous)"));
}

/* A store of the ranks 0 and 1, in one store or in one each. */
static SngCoverage *
create_ranks (Fixture *fixture, SngCoveragePolicy policy, const char *second, gboolean in_one_store)
{
  SngCoverage *coverage = sng_coverage_new (policy);
  SngRunStore *store = create_store (fixture);

  sng_run_store_set_info (store, "n-samples", g_variant_new_uint64 (N_SAMPLES), NULL);
  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, store);
  record (store, 0, 1, 0, "(0, [3, 1])");
  record (store, 0, 2, 0, "(0, [0])");
  record (store, 0, 3, 0, "(1, [1])");

  if (!in_one_store)
    {
      store = create_store (fixture);
      sng_coverage_add_rank (coverage, store);
    }
  record (store, 1, 1, 0, second);
  record (store, 1, 2, 0, "(0, [4])");
  record (store, 1, 3, 0, "(1, [2])");

  return coverage;
}

static void
test_ranks (Fixture *fixture, gconstpointer data)
{
  const struct
  {
    SngCoveragePolicy policy;
    const char *second;
    SngVerdict verdict;
    guint64 n_different;
    const char *first;
  } rules[] = {
    { ONCE, "(0, [5, 2])", PASSES },
    { APART, "(0, [5, 2])", PASSES },
    { APART, "(0, [5, 5])", PASSES },
    { APART, "(0, [5])", PASSES },
    { ONCE, "(0, [5, 3])",
      DIVERGES (2, "step 1, train, micro-batch 0, rank 1, \"epoch 0, sample 3\" (continuous): expected once, "
                   "found once more, "
                   "by rank 1; first taken in step 1, micro-batch 0, rank 0 (continuous)") },
    { APART, "(0, [5, 3])",
      DIVERGES (1, "step 1, train, micro-batch 0, rank 1, \"epoch 0, sample 3\" (continuous)") },
    { LEAST, "(0, [5, 3])", DIVERGES (1, "\"epoch 0, sample 2\"") },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (rules); i++)
    {
      guint rule = i / 2;
      g_autoptr (SngCoverage) coverage =
          create_ranks (fixture, rules[rule].policy, rules[rule].second, i % 2 == 0);
      g_autoptr (SngMetricResult) result = audit (coverage);

      check_result (result, rules[rule].verdict, rules[rule].n_different, rules[rule].first);
    }
}

/* A run says after which step it was resumed, whatever it then counts. */
static void
test_restored_step (Fixture *fixture, gconstpointer data)
{
  const char *const stop[] = { "1: 0 3 1; 2: 0 0 5; 3: 0 2 4", NULL };
  g_autoptr (SngCoverage) coverage = create (fixture, ONCE, stop);
  SngRunStore *store = record_run (fixture, "4: 0 2 4; 5: 1 5 2");
  g_autoptr (SngMetricResult) before = NULL;
  g_autoptr (SngMetricResult) result = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_RESUME, store);
  before = audit (coverage);
  check_result (before, DIVERGES (2, "\"epoch 0, sample 2\" (resume)"));

  sng_run_store_set_info (store, "restored-step", g_variant_new_uint64 (2), NULL);
  result = audit (coverage);
  check_result (result, PASSES);
}

/* Names that are no indices; and without a number of samples, what is missing is what another epoch had. */
static void
test_names (Fixture *fixture, gconstpointer data)
{
  const char *const runs[] = { "1: 0 -7 99; 2: 0 1000 4; 3: 1 99 4; 4: 1 -7; 5: 2 4 -7", NULL };
  const guint64 n_samples[] = { 0, 4, 5 };
  const guint64 n_different[] = { 1, 1, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (n_samples); i++)
    {
      g_autoptr (SngCoverage) coverage = create (fixture, ONCE, runs);
      g_autoptr (SngMetricResult) result = NULL;

      sng_coverage_set_n_samples (coverage, n_samples[i]);
      result = audit (coverage);
      check_result (result, SNG_VERDICT_DIVERGED, n_different[i],
                    n_samples[i] < 5
                        ? "step 4, train, micro-batch 0, \"epoch 1, sample 1000\""
                        : "step 2, train, micro-batch 0, \"epoch 0\" (stop): expected 5 samples, found 4");
    }
}

/* A run without ids among others that have them is not passed over, and where none has any there is nothing to say. */
static void
test_silence (Fixture *fixture, gconstpointer data)
{
  const char *const runs[] = { "1: 0 3 1", NULL };
  g_autoptr (SngCoverage) coverage = create (fixture, ONCE, runs);
  g_autoptr (SngCoverage) nothing = sng_coverage_new (ONCE);
  g_autoptr (SngMetricResult) result = NULL;
  g_autoptr (GError) error = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_RESUME, create_store (fixture));
  result = audit (coverage);
  check_result (result, SNG_VERDICT_INCONCLUSIVE, 0, "the resume run recorded no sample ids");

  g_assert_null (sng_coverage_audit (nothing, &error));
  g_assert_no_error (error);
  sng_coverage_add_segment (nothing, SNG_MODE_STOP, create_store (fixture));
  g_assert_null (sng_coverage_audit (nothing, &error));
  g_assert_no_error (error);
}

static void
test_bad_value (Fixture *fixture, gconstpointer data)
{
  SngRunStore *store = create_store (fixture);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
  g_autoptr (SngCoverage) coverage = sng_coverage_new (ONCE);
  g_autoptr (GError) error = NULL;

  sng_recorder_record_value (recorder, "SampleIds", SNG_STAGE_TRAIN, 4, 1, "", g_variant_new_string ("five"),
                             NULL);
  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, store);
  g_assert_null (sng_coverage_audit (coverage, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "[coverage]"));
  g_assert_nonnull (strstr (error->message, sng_run_store_get_path (store)));
  g_assert_nonnull (strstr (error->message, "step 4, micro-batch 1: found is a value of type s, expected"));
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/coverage/", name, NULL);

  g_test_add (path, Fixture, data, set_up, function, tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    add (cases[i].name, test_case, &cases[i]);
  add ("beside-continuous", test_beside_continuous, NULL);
  add ("same-fault-everywhere", test_same_fault_everywhere, NULL);
  add ("ranks", test_ranks, NULL);
  add ("restored-step", test_restored_step, NULL);
  add ("names", test_names, NULL);
  add ("silence", test_silence, NULL);
  add ("bad-value", test_bad_value, NULL);

  return g_test_run ();
}
