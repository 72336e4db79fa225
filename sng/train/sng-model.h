/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-registry.h"
#include "state/sng-stateful.h"
#include "train/sng-parameter.h"
#include "sng-types.h"
#include <gio/gio.h>

G_BEGIN_DECLS

#define SNG_TYPE_MODEL (sng_model_get_type ())

/* Implements SngStateful: by default the state is every parameter's value under its name. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngModel, sng_model, SNG, MODEL, GObject)

struct _SngModelClass
{
  GObjectClass parent_class;

  /* (transfer full) list of SngParameter, always in the same order */
  GListModel   *(*get_parameters) (SngModel      *self,
                                   GError       **error);
  /* batch -> outputs: "loss" (a double: mean over the batch's targets) and any tensors; in SNG_STAGE_TRAIN what backward needs is kept */
  SngStateDict *(*forward)        (SngModel      *self,
                                   SngStateDict  *batch,
                                   SngStage       stage,
                                   GError       **error);
  /* adds scale times the gradient of the last training forward's loss to every parameter's gradient */
  gboolean      (*backward)       (SngModel      *self,
                                   double         scale,
                                   GError       **error);
  gboolean      (*zero_gradients) (SngModel      *self,
                                   GError       **error);
  /* registers further state under its own names: dropout streams, buffers */
  gboolean      (*register_state) (SngModel         *self,
                                   SngStateRegistry *registry,
                                   GError          **error);
  /* what to compute in from now on; fails, and changes nothing, where the model cannot */
  gboolean      (*set_precision)  (SngModel      *self,
                                   SngPrecision   precision,
                                   GError       **error);
  /* (transfer full) (nullable) the name of the first tensor of the last forward, in the order of computation, with a NaN or an infinity */
  char         *(*find_non_finite) (SngModel     *self,
                                    GError      **error);
  /* the tensors of a file -> a state of the model, where the file has other names; (transfer full) */
  SngStateDict *(*import_weights) (SngModel      *self,
                                   SngStateDict  *tensors,
                                   GError       **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
GListModel   *sng_model_get_parameters (SngModel          *self,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
SngStateDict *sng_model_forward        (SngModel          *self,
                                        SngStateDict      *batch,
                                        SngStage           stage,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_model_backward       (SngModel          *self,
                                        double             scale,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_model_zero_gradients (SngModel          *self,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_model_register_state (SngModel          *self,
                                        SngStateRegistry  *registry,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_model_set_precision  (SngModel          *self,
                                        SngPrecision       precision,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
char         *sng_model_find_non_finite (SngModel         *self,
                                         GError          **error);
SNG_AVAILABLE_IN_1_0
SngStateDict *sng_model_import_weights (SngModel          *self,
                                        SngStateDict      *tensors,
                                        GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_model_load_weights   (SngModel          *self,
                                        const char        *path,
                                        GError           **error);

G_END_DECLS
