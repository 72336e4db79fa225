/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "report-fixture.h"

#include <math.h>

#include "compare/sng-tensor-diff-private.h"

void
report_add (SngReport *report,
            const char *name,
            SngVerdict verdict,
            guint64 compared,
            guint64 n_different,
            SngDivergence *first,
            const char *reason)
{
  g_autoptr (SngMetricResult) result =
      sng_metric_result_new (name, verdict, compared, n_different, first, reason);

  sng_report_add_result (report, result);
}

void
report_add_run (SngReport *report, SngMode mode, guint64 n_entries, guint64 first_step, guint64 last_step)
{
  g_autoptr (SngReportRun) run = sng_report_run_new (mode, NULL);

  sng_report_run_set_entries (run, n_entries, first_step, last_step);
  sng_report_add_run (report, run);
}

SngReport *
report_make_diverged (void)
{
  g_autoptr (SngDivergence) late =
      sng_divergence_new (SNG_MODE_RESUME, "ModelWeights", SNG_STAGE_TRAIN, 6, -1, 0, "layer.weight", 40,
                          "F32 [2, 3] fingerprint 00", "F32 [2, 3] fingerprint 01", "mean 0.5 and 0.25");
  g_autoptr (SngDivergence) early =
      sng_divergence_new (SNG_MODE_RESUME, "TrainLoss", SNG_STAGE_TRAIN, 6, 1, 2, "", 7,
                          "nan (0x7ff8000000000000)", "\"quoted\" \\ \n", "");
  SngReport *report = sng_report_new ();

  report_add (report, "LearningRate", SNG_VERDICT_PASS, 12, 0, NULL, NULL);
  report_add (report, "ModelWeights", SNG_VERDICT_DIVERGED, 340, 28, late, NULL);
  report_add (report, "TrainLoss", SNG_VERDICT_DIVERGED, 20, 1, early, NULL);
  report_add (report, "ValidLoss", SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL, "nothing was recorded");
  report_add_run (report, SNG_MODE_CONTINUOUS, 380, 0, 10);
  report_add_run (report, SNG_MODE_RESUME, 0, 0, 0);

  return report;
}

static SngReport *
make_pass (void)
{
  SngReport *report = sng_report_new ();

  report_add (report, "LearningRate", SNG_VERDICT_PASS, 12, 0, NULL, NULL);
  report_add (report, "TrainLoss", SNG_VERDICT_PASS, 20, 0, NULL, NULL);
  report_add_run (report, SNG_MODE_CONTINUOUS, 16, 0, 10);

  return report;
}

static SngReport *
make_nondeterministic (void)
{
  g_autoptr (SngDivergence) first = sng_divergence_new (SNG_MODE_REPEAT, "TrainLoss", SNG_STAGE_TRAIN, 2, 0,
                                                        0, "", 7, "1", "2", "differ by 1");
  SngReport *report = make_pass ();

  report_add (report, "GradientNorm", SNG_VERDICT_NONDETERMINISTIC, 9, 3, first, NULL);

  return report;
}

static SngReport *
make_inconclusive (void)
{
  SngReport *report = make_pass ();

  report_add (report, "ValidLoss", SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL, "nothing was recorded");

  return report;
}

static SngStateDict *
make_state (const float *values)
{
  const gint64 shape[] = { 3 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, &error);
  g_autoptr (GBytes) bytes = g_bytes_new (values, 3 * sizeof *values);
  SngStateDict *state = sng_state_dict_new ();

  g_assert_no_error (error);
  sng_tensor_set_bytes (tensor, bytes, &error);
  g_assert_no_error (error);
  sng_state_dict_set_tensor (state, "w", tensor);

  return state;
}

static SngTensorDiff *
make_elements (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) first = make_state ((const float[]){ 1.0f, 2.0f, 3.0f });
  g_autoptr (SngStateDict) second = make_state ((const float[]){ 1.0f, 2.5f, (float) NAN });
  SngTensorDiff *diff = sng_tensor_diff_new ("layer.weight", first, second, "w", &error);

  g_assert_no_error (error);

  return diff;
}

SngReport *
report_make_sweep (SngVerdict verdict)
{
  g_autoptr (SngDivergence) first =
      sng_divergence_new (SNG_MODE_RESUME, "A", SNG_STAGE_TRAIN, 5, -1, 0, "", 0, "1", "2", "");
  SngReport *report = sng_report_new ();

  sng_report_set_title (report, "sweep");
  sng_report_add_note (report, "3 stop points cost 2.1 times the continuous run");
  for (guint k = 1; k <= 3; k++)
    {
      g_autofree char *title = g_strdup_printf ("stop after step %u", k);
      g_autoptr (SngReport) part = sng_report_new ();
      g_autoptr (SngTensorDiff) elements = make_elements ();
      SngVerdict its_verdict = k == 2 ? verdict : SNG_VERDICT_PASS;

      sng_report_set_title (part, title);
      report_add (part, "A", its_verdict, 3, its_verdict == SNG_VERDICT_DIVERGED,
                  its_verdict == SNG_VERDICT_DIVERGED ? first : NULL,
                  its_verdict == SNG_VERDICT_INCONCLUSIVE ? "it slept" : NULL);
      report_add (part, "B", SNG_VERDICT_PASS, 10, 0, NULL, NULL);
      if (its_verdict == SNG_VERDICT_DIVERGED)
        sng_report_set_elements (part, elements);
      sng_report_add_part (report, part);
    }

  return report;
}

static SngReport *
make_diverged_sweep (void)
{
  return report_make_sweep (SNG_VERDICT_DIVERGED);
}

static SngReport *
make_passed_sweep (void)
{
  return report_make_sweep (SNG_VERDICT_PASS);
}

static SngFaultResult *
add_fault (SngReport *report, const char *id, const char *title, const char *state, SngCause cause)
{
  g_autoptr (SngFaultResult) fault = sng_fault_result_new (id, title, state, cause);

  sng_report_add_fault (report, fault);

  /* the report keeps it alive */
  return fault;
}

SngReport *
report_make_faults (void)
{
  SngReport *report = make_pass ();
  SngFaultResult *fault;

  fault = add_fault (report, "lr-reset", "the schedule starts over", "lr_scheduler", SNG_CAUSE_SCHEDULE);
  sng_fault_result_set_detected (fault, "LearningRate", 8);
  sng_fault_result_set_diagnosis (fault, SNG_CAUSE_SCHEDULE, "step 8 has the learning rate of step 1");
  sng_fault_result_set_found_by_original (fault, TRUE);

  fault = add_fault (report, "opt-bf16", NULL, "optimizer", SNG_CAUSE_OPTIMIZER);
  sng_fault_result_set_detected (fault, "OptimizerState", 7);
  sng_fault_result_set_diagnosis (fault, SNG_CAUSE_RNG, NULL);

  fault = add_fault (report, "torn-mixed", NULL, NULL, SNG_CAUSE_CHECKPOINT);
  sng_fault_result_set_failed (fault, "the restore");

  add_fault (report, "ema-reset", "the average starts over", "ema", SNG_CAUSE_AVERAGES);

  fault = add_fault (report, "reshard", NULL, NULL, SNG_CAUSE_RNG);
  sng_fault_result_set_not_planted (fault, "there is one rank only");

  return report;
}

static SngReport *
make_found_faults (void)
{
  SngReport *report = make_pass ();

  sng_fault_result_set_detected (add_fault (report, "lr-reset", NULL, NULL, SNG_CAUSE_SCHEDULE),
                                 "LearningRate", 8);

  return report;
}

/* That nothing was planted is the only thing that is wrong. */
static SngReport *
make_unplanted (void)
{
  SngReport *report = make_pass ();

  sng_fault_result_set_not_planted (add_fault (report, "reshard", NULL, NULL, SNG_CAUSE_RNG), "one rank");

  return report;
}

void
report_add_kill (SngReport *report,
                 guint64 number,
                 const char *operation,
                 const char *path,
                 const char *other,
                 SngKillOutcome outcome,
                 const char *detail)
{
  g_autoptr (SngKillResult) kill = sng_kill_result_new (number, operation, path, other);

  sng_kill_result_set_outcome (kill, outcome, detail);
  sng_report_add_kill (report, kill);
}

SngReport *
report_make_kills (void)
{
  SngReport *report = sng_report_new ();

  report_add_kill (report, 1, "open", "a.tmp", NULL, SNG_KILL_OUTCOME_PASS, NULL);
  report_add_kill (report, 2, "write", "a.tmp", NULL, SNG_KILL_OUTCOME_LOST_WORK,
                   "2 steps were made once more");
  report_add_kill (report, 10, "rename", "a.tmp", "a", SNG_KILL_OUTCOME_HARD_FAIL, "EOFError");
  report_add_kill (report, 11, "write", "b", NULL, SNG_KILL_OUTCOME_SILENT_DIVERGENCE, "TrainLoss at step 5");

  return report;
}

static SngReport *
make_passed_kills (void)
{
  SngReport *report = make_pass ();

  report_add_kill (report, 1, "open", "a", NULL, SNG_KILL_OUTCOME_PASS, NULL);
  report_add_kill (report, 2, "write", "a", NULL, SNG_KILL_OUTCOME_LOST_WORK, "1 step was made once more");

  return report;
}

static SngReport *
make_hostile_kills (void)
{
  SngReport *report = make_passed_kills ();

  report_add_kill (report, 3, HOSTILE, HOSTILE, HOSTILE, SNG_KILL_OUTCOME_HARD_FAIL, HOSTILE);

  return report;
}

SngReport *
report_make_hostile (void)
{
  g_autoptr (SngDivergence) first = sng_divergence_new (SNG_MODE_RESUME, HOSTILE, SNG_STAGE_TRAIN, 5, -1, 0,
                                                        HOSTILE, 0, HOSTILE, HOSTILE, HOSTILE);
  g_autoptr (SngReport) part = sng_report_new ();
  SngReport *report = sng_report_new ();
  SngFaultResult *fault;

  sng_report_set_title (report, HOSTILE);
  sng_report_add_note (report, HOSTILE);
  report_add (report, HOSTILE, SNG_VERDICT_DIVERGED, 3, 1, first, NULL);
  report_add (report, HOSTILE, SNG_VERDICT_INCONCLUSIVE, 3, 0, NULL, HOSTILE);
  report_add (report, HOSTILE, SNG_VERDICT_PASS, 3, 0, NULL, NULL);
  sng_report_set_title (part, HOSTILE);
  report_add (part, HOSTILE, SNG_VERDICT_PASS, 3, 0, NULL, NULL);
  sng_report_add_part (report, part);

  fault = add_fault (report, HOSTILE, HOSTILE, HOSTILE, SNG_CAUSE_SCHEDULE);
  sng_fault_result_set_detected (fault, HOSTILE, 8);
  sng_fault_result_set_diagnosis (fault, SNG_CAUSE_SCHEDULE, HOSTILE);
  fault = add_fault (report, HOSTILE, NULL, NULL, SNG_CAUSE_RNG);
  sng_fault_result_set_not_planted (fault, HOSTILE);

  return report;
}

const ReportKind report_kinds[] = {
  { "pass", SNG_VERDICT_PASS, make_pass },
  { "diverged", SNG_VERDICT_DIVERGED, report_make_diverged },
  { "nondeterministic", SNG_VERDICT_NONDETERMINISTIC, make_nondeterministic },
  { "inconclusive", SNG_VERDICT_INCONCLUSIVE, make_inconclusive },
  { "empty", SNG_VERDICT_INCONCLUSIVE, sng_report_new },
  { "sweep-passed", SNG_VERDICT_PASS, make_passed_sweep },
  { "sweep-diverged", SNG_VERDICT_DIVERGED, make_diverged_sweep },
  { "faults-found", SNG_VERDICT_PASS, make_found_faults },
  { "faults-missed", SNG_VERDICT_INCONCLUSIVE, report_make_faults },
  { "faults-not-planted", SNG_VERDICT_INCONCLUSIVE, make_unplanted },
  { "kills", SNG_VERDICT_DIVERGED, report_make_kills },
  { "kills-passed", SNG_VERDICT_PASS, make_passed_kills },
  { "kills-hostile", SNG_VERDICT_DIVERGED, make_hostile_kills },
  { "hostile", SNG_VERDICT_INCONCLUSIVE, report_make_hostile },
  { NULL },
};
