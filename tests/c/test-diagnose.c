/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

/*
 * Runs of a training whose whole state is the step: what is recorded at a step tells of which step it is. Each case lets one metric
 * of one run be that of other steps, and the diagnosis has to tell of which.
 */

typedef struct
{
  const char *name;
  const char *metric; /* NULL: none */
  const char *path;   /* of the metric; NULL: all */
  guint64 step;       /* the first one at which it is that of another step ... */
  guint64 as;         /* ... namely of this one, and so on */
  SngCause cause;
  const char *sentence;
  SngMode mode; /* of the run that has it */
} Case;

#define NOWHERE 60

static guint64
get_step (const Case *fault, SngMode mode, const char *metric, const char *path, guint64 step)
{
  if (fault->metric == NULL || mode != fault->mode || !g_str_equal (metric, fault->metric)
      || (fault->path != NULL && !g_str_equal (path, fault->path)) || step < fault->step)
    return step;

  return fault->as + step - fault->step;
}

static void
record_tensor_of (Fixture *fixture,
                  const Case *fault,
                  SngMode mode,
                  const char *metric,
                  const char *path,
                  guint64 step,
                  gint64 micro_batch)
{
  double seed = (double) (get_step (fault, mode, metric, path, step) * 10) + (double) (micro_batch + 1);
  gboolean is_ids = g_str_equal (path, "sample_ids");
  g_autoptr (SngTensor) tensor = make_tensor (is_ids ? SNG_DTYPE_I32 : SNG_DTYPE_F32, 2, 2, seed + 0.1);
  g_autoptr (GError) error = NULL;

  sng_recorder_record_tensor (fixture->recorders[mode], metric, SNG_STAGE_TRAIN, step, micro_batch, path,
                              tensor, &error);
  g_assert_no_error (error);
}

static void
record_count (Fixture *fixture,
              const Case *fault,
              SngMode mode,
              const char *metric,
              const char *path,
              guint64 step)
{
  record (fixture, mode, metric, SNG_STAGE_TRAIN, step, -1, path,
          g_variant_new_uint64 (get_step (fault, mode, metric, path, step)));
}

static void
record_states (Fixture *fixture, const Case *fault, SngMode mode, guint64 step)
{
  guint64 rate_step = get_step (fault, mode, "LearningRate", "", step);

  record (fixture, mode, "LearningRate", SNG_STAGE_TRAIN, step, -1, "",
          g_variant_new_double (1.0 / (double) (rate_step + 1)));
  record_count (fixture, fault, mode, "RngState", "dropout/position", step);
  record_count (fixture, fault, mode, "RegisteredState", "early-stopping/wait_count", step);
  record_count (fixture, fault, mode, "RegisteredState", "foreign/position", step);
  record_tensor_of (fixture, fault, mode, "RegisteredState", "norm/running_mean", step, -1);
  record (fixture, mode, "OptimizerState", SNG_STAGE_TRAIN, step, -1, "group.default.weight_decay",
          g_variant_new_double (0.1));
  record_tensor_of (fixture, fault, mode, "OptimizerState", "w.exp_avg", step, -1);
  record_tensor_of (fixture, fault, mode, "ModelWeights", "w", step, -1);
}

static void
record_steps (Fixture *fixture, const Case *fault, SngMode mode, guint64 first_step, guint64 last_step)
{
  record_states (fixture, fault, mode, first_step - 1);
  for (guint64 step = first_step; step <= last_step; step++)
    {
      for (gint64 i = 0; i < 2; i++)
        {
          record_tensor_of (fixture, fault, mode, "TrainInput", "input_ids", step, i);
          record_tensor_of (fixture, fault, mode, "TrainInput", "sample_ids", step, i);
          record_tensor_of (fixture, fault, mode, "TrainOutput", "logits", step, i);
        }
      record_states (fixture, fault, mode, step);
    }
  sng_recorder_finish_step (fixture->recorders[mode], NULL);
}

static SngDiagnosis *
diagnose (Fixture *fixture, const Case *fault)
{
  g_autoptr (GPtrArray) segments = g_ptr_array_new ();
  g_autoptr (SngReport) report = NULL;

  record_steps (fixture, fault, SNG_MODE_CONTINUOUS, 1, N_STEPS);
  record_steps (fixture, fault, SNG_MODE_STOP, 1, STOP_AT);
  record_steps (fixture, fault, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS);
  fixture->has_repeat = fault->mode == SNG_MODE_REPEAT;
  if (fixture->has_repeat)
    record_steps (fixture, fault, SNG_MODE_REPEAT, 1, N_STEPS);

  report = compare (fixture);
  g_ptr_array_add (segments, fixture->stores[SNG_MODE_STOP]);
  g_ptr_array_add (segments, fixture->stores[SNG_MODE_RESUME]);

  return sng_diagnose_report (report, fixture->stores[SNG_MODE_CONTINUOUS], segments);
}

static const Case cases[] = {
  { "weights-stale", "ModelWeights", NULL, STOP_AT, 1, SNG_CAUSE_CHECKPOINT,
    "the weights right after the restore equal CONTINUOUS's at step 1: an older checkpoint was restored",
    SNG_MODE_RESUME },
  { "weights-initial", "ModelWeights", NULL, STOP_AT, 0, SNG_CAUSE_WEIGHTS,
    "what differs in the weights right after the restore is as it was at the start", SNG_MODE_RESUME },
  { "weights-other", "ModelWeights", NULL, STOP_AT, NOWHERE, SNG_CAUSE_WEIGHTS,
    "1 of 1 entries of the weights differs right after the restore, first \"w\"", SNG_MODE_RESUME },
  { "weights-later", "ModelWeights", NULL, STOP_AT + 1, NOWHERE, SNG_CAUSE_WEIGHTS,
    "the weights differ after step 4, but the optimizer's state does not: it updated other weights than "
    "those "
    "that the model had",
    SNG_MODE_RESUME },
  { "optimizer-newer", "OptimizerState", "w.exp_avg", STOP_AT, 4, SNG_CAUSE_OPTIMIZER,
    "what differs in the optimizer's state right after the restore is CONTINUOUS's of step 4",
    SNG_MODE_RESUME },
  { "optimizer-later", "OptimizerState", "w.exp_avg", STOP_AT + 1, NOWHERE, SNG_CAUSE_UNKNOWN,
    "OptimizerState differs first, at step 4, train, \"w.exp_avg\", and nothing that was recorded tells why",
    SNG_MODE_RESUME },
  { "rate-reset", "LearningRate", NULL, STOP_AT, 0, SNG_CAUSE_SCHEDULE,
    "the learning rate at step 3 equals CONTINUOUS's at step 0: the schedule started over", SNG_MODE_RESUME },
  { "rate-behind", "LearningRate", NULL, STOP_AT + 1, 3, SNG_CAUSE_SCHEDULE,
    "the learning rate at step 4 equals CONTINUOUS's at step 3: the schedule is 1 step behind",
    SNG_MODE_RESUME },
  { "rate-ahead", "LearningRate", NULL, STOP_AT, 5, SNG_CAUSE_SCHEDULE,
    "the learning rate at step 3 equals CONTINUOUS's at step 5: the schedule is 2 steps ahead",
    SNG_MODE_RESUME },
  { "rate-nowhere", "LearningRate", NULL, STOP_AT + 1, NOWHERE, SNG_CAUSE_SCHEDULE,
    "the learning rate differs first at step 4, with everything that was recorded before it equal",
    SNG_MODE_RESUME },
  { "rng-reseeded", "RngState", NULL, STOP_AT, 0, SNG_CAUSE_RNG,
    "the position of the stream rng/dropout is 0 right after the restore, as at the start; CONTINUOUS's is 3",
    SNG_MODE_RESUME },
  { "patience", "RegisteredState", "early-stopping/wait_count", STOP_AT, 0, SNG_CAUSE_COUNTERS,
    "\"wait_count\" of the state \"early-stopping\" is 0 right after the restore, as at the start; "
    "CONTINUOUS's is 3",
    SNG_MODE_RESUME },
  { "buffer", "RegisteredState", "norm/running_mean", STOP_AT, 0, SNG_CAUSE_AVERAGES,
    "what differs in the state \"norm\" right after the restore is as it was at the start", SNG_MODE_RESUME },
  { "foreign", "RegisteredState", "foreign/position", STOP_AT, 9, SNG_CAUSE_UNKNOWN,
    "\"position\" of the state \"foreign\" is 9 right after the restore; CONTINUOUS's is 3",
    SNG_MODE_RESUME },
  { "data-restart", "TrainInput", NULL, STOP_AT + 1, 1, SNG_CAUSE_DATA,
    "the samples at step 4, micro-batch 0 are CONTINUOUS's at step 1, micro-batch 0: the data started over",
    SNG_MODE_RESUME },
  { "data-skip", "TrainInput", NULL, STOP_AT + 1, STOP_AT + 2, SNG_CAUSE_DATA,
    "the samples at step 4, micro-batch 0 are CONTINUOUS's at step 5, micro-batch 0: the data skipped 2 "
    "micro-batches",
    SNG_MODE_RESUME },
  { "data-repeat", "TrainInput", NULL, STOP_AT + 1, STOP_AT, SNG_CAUSE_DATA,
    "the samples at step 4, micro-batch 0 are CONTINUOUS's at step 3, micro-batch 0: the data went back by 2 "
    "micro-batches",
    SNG_MODE_RESUME },
  { "data-other", "TrainInput", NULL, STOP_AT + 1, NOWHERE, SNG_CAUSE_DATA,
    "the samples of step 4, micro-batch 0 are others than CONTINUOUS's: the order or the position of the "
    "data is wrong",
    SNG_MODE_RESUME },
  { "masked-otherwise", "TrainInput", "input_ids", STOP_AT + 1, NOWHERE, SNG_CAUSE_RNG,
    "the samples at step 4 are CONTINUOUS's, but \"input_ids\" is not: they were masked or augmented by "
    "other random "
    "numbers",
    SNG_MODE_RESUME },
  { "outputs", "TrainOutput", NULL, STOP_AT + 1, NOWHERE, SNG_CAUSE_UNKNOWN,
    "TrainOutput differs first, at step 4, train, micro-batch 0, \"logits\", and nothing that was recorded "
    "tells why",
    SNG_MODE_RESUME },
  { "before-the-stop", "TrainOutput", NULL, 2, NOWHERE, SNG_CAUSE_NONDETERMINISM,
    "two runs from the same start differ first in TrainOutput at step 2, train, micro-batch 0, \"logits\": "
    "the "
    "training is nondeterministic",
    SNG_MODE_STOP },
  { "repeat", "TrainOutput", NULL, 2, NOWHERE, SNG_CAUSE_NONDETERMINISM,
    "two uninterrupted runs differ first in TrainOutput at step 2, train, micro-batch 0, \"logits\": the "
    "training is "
    "nondeterministic",
    SNG_MODE_REPEAT },
};

static void
test_case (Fixture *fixture, gconstpointer data)
{
  const Case *fault = data;
  g_autoptr (SngDiagnosis) diagnosis = diagnose (fixture, fault);
  g_autofree char *text = NULL;
  g_autofree char *expected = g_strdup_printf ("%s: %s", sng_cause_to_string (fault->cause), fault->sentence);

  g_assert_nonnull (diagnosis);
  g_assert_cmpstr (sng_diagnosis_get_sentence (diagnosis), ==, fault->sentence);
  g_assert_cmpint (sng_diagnosis_get_cause (diagnosis), ==, fault->cause);
  g_assert_nonnull (sng_diagnosis_get_evidence (diagnosis)[0]);
  text = sng_diagnosis_to_string (diagnosis);
  g_assert_cmpstr (text, ==, expected);
}

/* Where nothing differs nothing is explained. */
static void
test_clean (Fixture *fixture, gconstpointer data)
{
  const Case none = { .name = "none" };

  g_assert_null (diagnose (fixture, &none));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/sng/diagnose/none", Fixture, NULL, fixture_set_up, test_clean, fixture_tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/sng/diagnose/", cases[i].name, NULL);

      g_test_add (path, Fixture, &cases[i], fixture_set_up, test_case, fixture_tear_down);
    }

  return g_test_run ();
}
