/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib-object.h>
#include "sng-version.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_MODE_STOP,
  SNG_MODE_RESUME,
  SNG_MODE_CONTINUOUS,
  SNG_MODE_REPEAT
} SngMode;

typedef enum
{
  SNG_STAGE_TRAIN,
  SNG_STAGE_VALIDATE
} SngStage;

typedef enum
{
  SNG_PHASE_STEP_START,
  SNG_PHASE_FORWARD,
  SNG_PHASE_BACKWARD,
  SNG_PHASE_OPTIMIZER,
  SNG_PHASE_SCHEDULER,
  SNG_PHASE_STEP_FINISHED,
  SNG_PHASE_VALIDATION,
  SNG_PHASE_SAVE
} SngPhase;

typedef enum
{
  SNG_PRECISION_32,
  SNG_PRECISION_BF16_MIXED,
  SNG_PRECISION_16_MIXED
} SngPrecision;

typedef enum
{
  SNG_MONITOR_MODE_MIN,
  SNG_MONITOR_MODE_MAX
} SngMonitorMode;

typedef enum
{
  SNG_VERDICT_PASS,
  SNG_VERDICT_DIVERGED,
  SNG_VERDICT_NONDETERMINISTIC,
  SNG_VERDICT_INCONCLUSIVE
} SngVerdict;

typedef enum
{
  SNG_CAUSE_UNKNOWN,
  SNG_CAUSE_RNG,
  SNG_CAUSE_DATA,
  SNG_CAUSE_SCHEDULE,
  SNG_CAUSE_OPTIMIZER,
  SNG_CAUSE_WEIGHTS,
  SNG_CAUSE_SCALER,
  SNG_CAUSE_AVERAGES,
  SNG_CAUSE_COUNTERS,
  SNG_CAUSE_CHECKPOINT,
  SNG_CAUSE_NONDETERMINISM,
  SNG_CAUSE_ENVIRONMENT
} SngCause;

typedef enum
{
  SNG_ISOLATION_PROCESS,
  SNG_ISOLATION_NONE
} SngIsolation;

typedef enum /*< flags >*/
{
  SNG_METRIC_NONE = 0,
  SNG_METRIC_EXPECT_CHANGE = 1 << 0,
  SNG_METRIC_PER_RUN = 1 << 1,
  SNG_METRIC_NOT_APPLICABLE = 1 << 2,
  SNG_METRIC_OPTIONAL = 1 << 3
} SngMetricFlags;

typedef enum /*< flags >*/
{
  SNG_STRESS_NONE = 0,
  SNG_STRESS_THREADS = 1 << 0,
  SNG_STRESS_JITTER = 1 << 1,
  SNG_STRESS_SLOW_DISK = 1 << 2
} SngStress;

SNG_AVAILABLE_IN_1_0
const char *sng_mode_to_string        (SngMode        mode);
SNG_AVAILABLE_IN_1_0
const char *sng_stage_to_string       (SngStage       stage);
SNG_AVAILABLE_IN_1_0
const char *sng_phase_to_string       (SngPhase       phase);
SNG_AVAILABLE_IN_1_0
const char *sng_precision_to_string   (SngPrecision   precision);
SNG_AVAILABLE_IN_1_0
gboolean    sng_precision_from_string (const char    *name,
                                       SngPrecision  *precision,
                                       GError       **error);
SNG_AVAILABLE_IN_1_0
const char *sng_verdict_to_string     (SngVerdict     verdict);
SNG_AVAILABLE_IN_1_0
const char *sng_cause_to_string       (SngCause       cause);

G_END_DECLS
