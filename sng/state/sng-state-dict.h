/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-shard.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

#define SNG_TYPE_STATE_DICT (sng_state_dict_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngStateDict, sng_state_dict, SNG, STATE_DICT, GObject)

SNG_AVAILABLE_IN_1_0
SngStateDict   *sng_state_dict_new                 (void);
SNG_AVAILABLE_IN_1_0
void            sng_state_dict_set_tensor          (SngStateDict  *self,
                                                    const char    *name,
                                                    SngTensor     *tensor);
SNG_AVAILABLE_IN_1_0
void            sng_state_dict_set_value           (SngStateDict  *self,
                                                    const char    *name,
                                                    GVariant      *value);
SNG_AVAILABLE_IN_1_0
void            sng_state_dict_set_int64           (SngStateDict  *self,
                                                    const char    *name,
                                                    gint64         value);
SNG_AVAILABLE_IN_1_0
void            sng_state_dict_set_double          (SngStateDict  *self,
                                                    const char    *name,
                                                    double         value);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_set_shard           (SngStateDict  *self,
                                                    const char    *name,
                                                    SngTensor     *tensor,
                                                    SngShard      *shard,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
SngShard       *sng_state_dict_lookup_shard        (SngStateDict  *self,
                                                    const char    *name);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_state_dict_lookup_tensor       (SngStateDict  *self,
                                                    const char    *name);
SNG_AVAILABLE_IN_1_0
GVariant       *sng_state_dict_lookup_value        (SngStateDict  *self,
                                                    const char    *name);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_state_dict_get_tensor          (SngStateDict  *self,
                                                    const char    *name,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_get_int64           (SngStateDict  *self,
                                                    const char    *name,
                                                    gint64        *value,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_get_double          (SngStateDict  *self,
                                                    const char    *name,
                                                    double        *value,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_contains            (SngStateDict  *self,
                                                    const char    *name);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_remove              (SngStateDict  *self,
                                                    const char    *name);
SNG_AVAILABLE_IN_1_0
guint           sng_state_dict_get_n_items         (SngStateDict  *self);
SNG_AVAILABLE_IN_1_0
char          **sng_state_dict_dup_names           (SngStateDict  *self);
SNG_AVAILABLE_IN_1_0
const char     *sng_state_dict_get_name            (SngStateDict  *self,
                                                    guint          position);
SNG_AVAILABLE_IN_1_0
SngStateDict   *sng_state_dict_copy                (SngStateDict  *self,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_state_dict_check_layout        (SngStateDict  *self,
                                                    SngStateDict  *expected,
                                                    GError       **error);
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_state_dict_compute_fingerprint (SngStateDict  *self);

G_END_DECLS
