/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-diagnose-private.h"

#include "record/sng-environment-private.h"
#include "record/sng-run-store-private.h"

/* Of two uninterrupted runs, or of the part of a run that comes before it was stopped: nothing was restored there. */
static SngDiagnosis *
diagnose_nondeterminism (const SngFacts *facts, const char *runs)
{
  g_autofree char *place = sng_divergence_dup_place (facts->first);

  return sng_diagnosis_new (SNG_CAUSE_NONDETERMINISM,
                            "%s differ first in %s at %s: the training is nondeterministic", runs,
                            sng_divergence_get_metric (facts->first), place);
}

/* ---- What the runs ran in ---- */

#define MAX_DIFFERENCES 3

static SngReportRun *
find_run (SngReport *report, SngMode mode)
{
  GListModel *runs = sng_report_get_runs (report);

  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      if (sng_report_run_get_mode (run) == mode)
        return run; /* the list keeps it */
    }

  return NULL;
}

/* Of the run in which the first divergence is: that of a store, or of REPEAT. */
static GVariant *
dup_environment (const SngFacts *facts)
{
  SngReportRun *repeat = facts->run == NULL ? find_run (facts->report, SNG_MODE_REPEAT) : NULL;
  GVariant *environment = repeat != NULL ? sng_report_run_get_environment (repeat) : NULL;

  if (facts->run != NULL)
    return sng_run_store_get_typed_info (facts->run, SNG_ENVIRONMENT_INFO, G_VARIANT_TYPE ("a{ss}"));

  return environment != NULL ? g_variant_ref (environment) : NULL;
}

/* Whatever the rules have found: between two environments any number may differ. */
static void
look_at_environments (const SngFacts *facts, SngDiagnosis *diagnosis)
{
  g_autoptr (GVariant) expected =
      sng_run_store_get_typed_info (facts->continuous, SNG_ENVIRONMENT_INFO, G_VARIANT_TYPE ("a{ss}"));
  g_autoptr (GVariant) found = dup_environment (facts);
  g_autoptr (GArray) differences = sng_environment_compare (expected, found);
  const char *run = sng_mode_to_string (sng_divergence_get_mode (facts->first));
  g_autoptr (GString) sentence = g_string_new ("the two runs cannot be compared: ");

  for (guint i = 0; i < differences->len; i++)
    {
      g_autofree char *text = sng_environment_difference_to_string (
          &g_array_index (differences, SngEnvironmentDifference, i), "continuous");
      g_autofree char *line = g_strdup_printf ("%s has %s", run, text);

      sng_diagnosis_add_evidence (diagnosis, line);
      if (i < MAX_DIFFERENCES)
        g_string_append_printf (sentence, "%s%s", i > 0 ? ", " : "", line);
    }
  if (differences->len > MAX_DIFFERENCES)
    g_string_append_printf (sentence, " and %u more", differences->len - MAX_DIFFERENCES);

  if (differences->len > 0)
    sng_diagnosis_put_before (diagnosis, SNG_CAUSE_ENVIRONMENT, sentence->str);
}

/* Whether two uninterrupted runs were compared as well; when they had differed nothing else would be asked. */
static gboolean
has_repeat (SngReport *report)
{
  return find_run (report, SNG_MODE_REPEAT) != NULL;
}

static SngDiagnosis *
rule_before_stop (const SngFacts *facts)
{
  g_autofree char *place = NULL;

  if (sng_divergence_get_mode (facts->first) != SNG_MODE_STOP)
    return NULL;

  if (!has_repeat (facts->report))
    return diagnose_nondeterminism (facts, "two runs from the same start");

  place = sng_divergence_dup_place (facts->first);

  return sng_diagnosis_new (
      SNG_CAUSE_UNKNOWN,
      "the run differs in %s at %s, before it was stopped, though two uninterrupted runs are equal",
      sng_divergence_get_metric (facts->first), place);
}

/* The state right after a restore explains what comes after it, so it is looked at first. */
static const SngRule rules[] = {
  sng_rule_coverage, rule_before_stop, sng_rule_start,      sng_rule_checkpoint, sng_rule_schedule,
  sng_rule_state,    sng_rule_inputs,  sng_rule_validation, sng_rule_later,
};

static SngDiagnosis *
apply_rules (const SngFacts *facts)
{
  g_autofree char *place = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      SngDiagnosis *diagnosis = rules[i](facts);

      if (diagnosis != NULL)
        return diagnosis;
    }

  place = sng_divergence_dup_place (facts->first);

  return sng_diagnosis_new (SNG_CAUSE_UNKNOWN,
                            "%s differs first, at %s, and nothing that was recorded tells why",
                            sng_divergence_get_metric (facts->first), place);
}

/**
 * sng_diagnose_report:
 * @report: a report
 * @continuous: the run that @report compares others with
 * @segments: (element-type SngRunStore): the runs that it compares with it, in order, not empty
 *
 * Looks for the reason why runs differ.
 *
 * What was recorded at the first divergence is looked up elsewhere in the records: among the other
 * steps of the continuous run, among other names of the same step, in other metrics. So a
 * schedule that started over is told from one that is a step behind, and a loss scale that was
 * lost from an older checkpoint. The rules know the metrics that the default callbacks of
 * [class@Sng.Harness] record by their names; a metric of another name is no evidence.
 *
 * Where the run that differs recorded another environment than the continuous one, the diagnosis says first that they
 * cannot be compared; its cause is %SNG_CAUSE_ENVIRONMENT unless the records tell one.
 *
 * Nothing but the records is looked at, and they are not changed.
 *
 * ```c
 * g_autoptr (SngReport) report = sng_comparison_run (comparison, &error);
 * g_autoptr (SngDiagnosis) diagnosis = sng_diagnose_report (report, continuous, segments);
 *
 * if (diagnosis != NULL)
 *   g_print ("%s\n", sng_diagnosis_get_sentence (diagnosis));
 * ```
 *
 * Returns: (transfer full) (nullable): the diagnosis, or %NULL where no divergence is to be
 *   explained
 *
 * Since: 1.0
 */
SngDiagnosis *
sng_diagnose_report (SngReport *report, SngRunStore *continuous, GPtrArray *segments)
{
  SngFacts facts = { .report = report, .continuous = continuous };
  g_autofree char *evidence = NULL;
  SngDiagnosis *diagnosis;

  g_return_val_if_fail (SNG_IS_REPORT (report), NULL);
  g_return_val_if_fail (SNG_IS_RUN_STORE (continuous), NULL);
  g_return_val_if_fail (segments != NULL && segments->len > 0, NULL);

  facts.first = sng_report_get_first_divergence (report);
  if (facts.first == NULL)
    return NULL;

  evidence = sng_divergence_to_string (facts.first);
  if (sng_report_get_verdict (report) == SNG_VERDICT_NONDETERMINISTIC)
    {
      diagnosis = diagnose_nondeterminism (&facts, "two uninterrupted runs");
    }
  else
    {
      facts.run = sng_facts_find_run (facts.first, continuous, segments);
      sng_run_store_get_step_range (facts.run, NULL, &facts.start, NULL, NULL);
      diagnosis = apply_rules (&facts);
    }
  sng_diagnosis_add_evidence (diagnosis, evidence);
  look_at_environments (&facts, diagnosis);

  return diagnosis;
}
