/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "callbacks/sng-function-callback.h"
#include "compare/sng-comparison.h"
#include "compare/sng-coverage.h"
#include "harness/sng-fault.h"
#include "harness/sng-interrupt.h"
#include "harness/sng-setup.h"
#include "harness/sng-stop-plan.h"

G_BEGIN_DECLS

#define SNG_TYPE_HARNESS (sng_harness_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngHarness, sng_harness, SNG, HARNESS, GObject)

struct _SngHarnessClass
{
  GObjectClass parent_class;

  gboolean    (*setup)                 (SngHarness     *self,
                                        GError        **error);
  gboolean    (*teardown)              (SngHarness     *self,
                                        GError        **error);
  SngSetup   *(*setup_model)           (SngHarness     *self,
                                        SngMode         mode,
                                        GError        **error);
  SngTrainer *(*setup_trainer)         (SngHarness     *self,
                                        SngMode         mode,
                                        GError        **error);
  GListModel *(*get_default_callbacks) (SngHarness     *self,
                                        GError        **error);
  gboolean    (*restore)               (SngHarness     *self,
                                        SngTrainer     *trainer,
                                        SngCheckpoint  *checkpoint,
                                        GError        **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
void         sng_harness_add_metric                  (SngHarness           *self,
                                                      const char           *name,
                                                      SngMetricFunc         func,
                                                      gpointer              user_data,
                                                      GDestroyNotify        user_data_free);
SNG_AVAILABLE_IN_1_0
GListModel  *sng_harness_get_default_callbacks       (SngHarness           *self,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
SngCallback *sng_harness_get_callback                (SngHarness           *self,
                                                      SngMode               mode,
                                                      GType                 type);
SNG_AVAILABLE_IN_1_0
SngDevice   *sng_harness_create_device               (SngHarness           *self,
                                                      SngMode               mode,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_set_environment             (SngHarness           *self,
                                                      const char           *key,
                                                      const char           *value);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_stop                        (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_stop_async                  (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_stop_finish                 (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_resume                      (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_resume_async                (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_resume_finish               (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_continuous                  (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_continuous_async            (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_continuous_finish           (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_stop_and_go             (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_run_stop_and_go_async       (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_stop_and_go_finish      (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_sweep                   (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_run_sweep_async             (SngHarness           *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_sweep_finish            (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_accumulation            (SngHarness           *self,
                                                      const char *const    *plans,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_run_accumulation_async      (SngHarness           *self,
                                                      const char *const    *plans,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_accumulation_finish     (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_get_work                    (SngHarness           *self,
                                                      guint64              *done,
                                                      guint64              *total);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_faults                  (SngHarness           *self,
                                                      const char * const   *ids,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
void         sng_harness_run_faults_async            (SngHarness           *self,
                                                      const char * const   *ids,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_run_faults_finish           (SngHarness           *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
SngReport   *sng_harness_get_report                  (SngHarness           *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_check_consistency           (SngHarness           *self,
                                                      GType                 callback_type,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_check_metric                (SngHarness           *self,
                                                      const char           *metric,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_check_init_consumed_samples (SngHarness           *self,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_check_validation_batches    (SngHarness           *self,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
const char  *sng_harness_get_run_directory           (SngHarness           *self);
SNG_AVAILABLE_IN_1_0
char        *sng_harness_dup_mode_directory          (SngHarness           *self,
                                                      SngMode               mode);
SNG_AVAILABLE_IN_1_0
GPtrArray   *sng_harness_get_metadata                (SngHarness           *self,
                                                      SngMode               mode,
                                                      const char           *metric,
                                                      GError              **error);
SNG_AVAILABLE_IN_1_0
char       **sng_harness_dup_warnings                (SngHarness           *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_harness_is_child                    (void);

G_END_DECLS
