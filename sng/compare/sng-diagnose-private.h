/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-diagnose.h"
#include "compare/sng-diagnosis-private.h"
#include "record/sng-metadata-private.h"

G_BEGIN_DECLS

/* The metrics that rules are about, by the names that the callbacks give them. */
#define METRIC_GLOBAL_STEP "GlobalStepState"
#define METRIC_SCHEDULER "SchedulerState"
#define METRIC_LEARNING_RATE "LearningRate"
#define METRIC_RNG "RngState"
#define METRIC_REGISTERED "RegisteredState"
#define METRIC_OPTIMIZER "OptimizerState"
#define METRIC_WEIGHTS "ModelWeights"
#define METRIC_AVERAGE "EmaState"
#define METRIC_SAMPLE_IDS "SampleIds"
#define METRIC_TRAIN_INPUT "TrainInput"
#define PATH_SAMPLE_IDS "sample_ids"

/* What the rules look at. */
typedef struct
{
  SngReport     *report;
  SngDivergence *first;
  SngRunStore   *continuous;
  SngRunStore   *run;   /* the one in which @first is */
  guint64        start; /* its first step: that of the state right after the restore */
} SngFacts;

/* The entries of one metric's state at one step that @run does not have as CONTINUOUS has them: pairs in the order of recording,
 * where one is NULL for an entry that the side lacks. */
typedef struct
{
  GPtrArray *found;
  GPtrArray *expected;
  guint      n_entries;
} SngStateDiff;

/* Each looks whether it knows the reason: NULL when it does not. */
typedef SngDiagnosis *(*SngRule) (const SngFacts *facts);

/* sng-diagnose-facts.c: none of these fails; what cannot be read is not there. */
GPtrArray   *sng_facts_query        (SngRunStore    *store,
                                     const char     *metric,
                                     SngStage        stage,
                                     guint64         step);
/* The entry with the key of @like but its step; (nullable). */
SngMetadata *sng_facts_lookup       (GPtrArray      *entries,
                                     SngMetadata    *like);
/* What the store has at the place of the divergence, or NULL. */
SngMetadata *sng_facts_find_entry   (SngRunStore    *store,
                                     SngDivergence  *place);
/* The segment in which the divergence is; where none has an entry there, the last that could have had it. */
SngRunStore *sng_facts_find_run     (SngDivergence  *first,
                                     SngRunStore    *continuous,
                                     GPtrArray      *segments);
GPtrArray   *sng_facts_find_equal   (SngRunStore    *store,
                                     SngMetadata    *entry);
void         sng_facts_diff_state   (const SngFacts *facts,
                                     const char     *metric,
                                     guint64         step,
                                     SngStateDiff   *diff);
void         sng_state_diff_clear   (SngStateDiff   *diff);
/* Whether the run recorded at the step what all of @entries, which are of one metric, hold; FALSE where there are none. */
gboolean     sng_facts_has_all      (SngRunStore    *store,
                                     GPtrArray      *entries,
                                     guint64         step);
/* The step, other than @except and nearest to it, at which CONTINUOUS recorded what all of @entries hold. */
gboolean     sng_facts_find_step    (const SngFacts *facts,
                                     GPtrArray      *entries,
                                     guint64         except,
                                     guint64        *step);
/* The first step of CONTINUOUS, which began anew there. */
guint64      sng_facts_get_origin   (const SngFacts *facts);
/* Whether the metric was compared and diverged. */
gboolean     sng_facts_has_diverged (const SngFacts *facts,
                                     const char     *metric);
void         sng_facts_add_pair     (SngDiagnosis   *diagnosis,
                                     SngMetadata    *found,
                                     SngMetadata    *expected);

/* sng-diagnose-state.c: of the state right after the restore. */
SngDiagnosis *sng_rule_start        (const SngFacts *facts);
SngDiagnosis *sng_rule_checkpoint   (const SngFacts *facts);
SngDiagnosis *sng_rule_state        (const SngFacts *facts);
/* sng-diagnose-rules.c: of what shows later. */
SngDiagnosis *sng_rule_schedule     (const SngFacts *facts);
SngDiagnosis *sng_rule_inputs       (const SngFacts *facts);
SngDiagnosis *sng_rule_coverage     (const SngFacts *facts);
SngDiagnosis *sng_rule_validation   (const SngFacts *facts);
SngDiagnosis *sng_rule_later        (const SngFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngStateDiff, sng_state_diff_clear)

G_END_DECLS
