/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

/* Parameters in groups by name, as an array of SngParameterGroup in the order in which they are asked; the last one is "default",
 * which takes every parameter. */
typedef struct
{
  char   *name;
  char   *pattern;
  double  weight_decay;
  double  learning_rate_factor;
} SngParameterGroup;

/* With the default group, which has no weight decay. */
GPtrArray               *sng_parameter_groups_new          (void);
SngParameterGroup       *sng_parameter_groups_get_default  (GPtrArray                *groups);
/* Adds a copy of @group. It has a name of its own, finite values from 0 and a pattern that one of @parameters matches, or an
 * error is set, which begins with @place. */
gboolean                 sng_parameter_groups_add          (GPtrArray                *groups,
                                                            const SngParameterGroup  *group,
                                                            GListModel               *parameters,
                                                            const char               *place,
                                                            GError                  **error);
/* The group of a parameter. */
const SngParameterGroup *sng_parameter_groups_find         (GPtrArray                *groups,
                                                            const char               *name);
void                     sng_parameter_groups_add_settings (GPtrArray                *groups,
                                                            SngStateDict             *state);

G_END_DECLS
