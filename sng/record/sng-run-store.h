/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <gio/gio.h>
#include "record/sng-metadata.h"

G_BEGIN_DECLS

#define SNG_TYPE_RUN_STORE (sng_run_store_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngRunStore, sng_run_store, SNG, RUN_STORE, GObject)

SNG_AVAILABLE_IN_1_0
SngRunStore *sng_run_store_create           (const char    *path,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
SngRunStore *sng_run_store_open             (const char    *path,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
const char  *sng_run_store_get_path         (SngRunStore   *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_append           (SngRunStore   *self,
                                             SngMetadata   *entry,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_flush            (SngRunStore   *self,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_close            (SngRunStore   *self,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_declare_metric   (SngRunStore   *self,
                                             const char    *metric,
                                             SngMetricFlags flags,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
char       **sng_run_store_list_metrics     (SngRunStore   *self,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
SngMetricFlags sng_run_store_get_metric_flags (SngRunStore *self,
                                             const char    *metric);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_set_info         (SngRunStore   *self,
                                             const char    *key,
                                             GVariant      *value,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
GVariant    *sng_run_store_get_info         (SngRunStore   *self,
                                             const char    *key);
SNG_AVAILABLE_IN_1_0
GPtrArray   *sng_run_store_query            (SngRunStore   *self,
                                             const char    *metric,
                                             guint64        first_step,
                                             guint64        last_step,
                                             GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_run_store_get_step_range   (SngRunStore   *self,
                                             const char    *metric,
                                             guint64       *first_step,
                                             guint64       *last_step,
                                             GError       **error);

G_END_DECLS
