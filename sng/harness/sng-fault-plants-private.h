/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-fault-private.h"

G_BEGIN_DECLS

/* How each fault of the catalogue is planted; each is a SngFaultPlantFunc. */

/* sng-fault-data.c: random numbers, samples, schedule */
gboolean sng_fault_plant_rng_reseeded      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_rng_extra_draw    (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_restart      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_skip         (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_repeat       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_permutation  (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_rest_dropped (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_exhausted    (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_data_second       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_lr_reset          (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_lr_off_by_one     (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_lr_double_forward (SngFaultContext *context, GError **error);

/* sng-fault-learned.c: what the training has learned */
gboolean sng_fault_plant_opt_dropped       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_second_moment (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_step_reset    (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_step_off      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_bf16          (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_swapped       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_opt_groups        (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_weights_bf16      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_master_stale      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_ema_reset         (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_ema_counter       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_ema_as_weights    (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_buffer_reset      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_scaler_reset      (SngFaultContext *context, GError **error);

/* sng-fault-life.c: the life of the training and of its checkpoints */
gboolean sng_fault_plant_counter_off       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_val_shifted       (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_early_stop_reset  (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_accum_lost        (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_torn_mixed        (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_stale_latest      (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_async_race        (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_silent_scratch    (SngFaultContext *context, GError **error);
gboolean sng_fault_plant_needs_ranks       (SngFaultContext *context, GError **error);

G_END_DECLS
