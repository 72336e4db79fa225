/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Makes the page of a report that is given as sng_report_to_json() writes it, and beyond that:
 *
 *   first_divergence.place  the place in words
 *   metrics[].steps         [first step, last step, compared, different], of steps in a row with these counts
 *   runs[].series           {name, steps, values}: the metrics that are one number a step
 *
 * What only the page needs is added to @report. */
char       *sng_report_page_new             (JsonObject  *report);

/* The parts of that, in files of their own. */
void        sng_report_page_add_lanes       (JsonObject  *report);
void        sng_report_page_add_strips      (JsonObject  *report);
void        sng_report_page_add_parts       (JsonObject  *report);
void        sng_report_page_add_elements    (JsonObject  *report);
void        sng_report_page_add_faults      (JsonObject  *report);
void        sng_report_page_add_kills       (JsonObject  *report);
void        sng_report_page_add_environment (JsonObject  *report);
void        sng_report_page_add_charts      (JsonObject  *report);

/* What several of them need. */

/* Sets "class" and "sign" to those of the object's verdict. */
void        sng_report_page_add_verdict     (JsonObject  *object);
/* NULL where there is no such array. */
JsonArray  *sng_report_page_get_array       (JsonObject  *object,
                                             const char  *name);
/* NULL where there is no such object. */
JsonObject *sng_report_page_get_object      (JsonObject  *object,
                                             const char  *name);
/* NULL where there is no such text. */
const char *sng_report_page_get_string      (JsonObject  *object,
                                             const char  *name);

G_END_DECLS
