/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* A harness around the tiny model that does what its exp-name says, so that a child that finds it by that name
 * does the same:
 *   lose-NAME     RESUME gets NAME (optimizer, rng, sampler, scheduler) as it was before the first step
 *   drift         REPEAT's losses are a little higher
 *   noise         the losses of REPEAT and of RESUME are a little higher
 *   noise-and-fault  those of RESUME are so by 1e-4
 *   fail-VFUNC    that vfunc fails without an error
 *   crash, exit   setup_model kills the process, or exits with status 7
 *   slow          each step takes a while
 *   early-stop    the second validation, that of step 8 of 10, ends the training
 *   top-k         a checkpoint a step, of which the best one is kept
 *   background    the same, saved in the background
 *   killed        STOP is killed as soon as it has been interrupted
 *   traced        the same, while another process traces it, which lets go of it only a while later
 *   preempted     STOP gets a SIGTERM in step 3, and handles it
 *   bare-trainer  the trainer has the right number of steps, and nothing else set
 *   short         the trainer has a step too few
 *   same-metric   two callbacks record one metric
 *   bad-list      the list of callbacks has something else in it
 * and in all other cases nothing special. */
#define TINY_TYPE_HARNESS (tiny_harness_get_type ())
G_DECLARE_FINAL_TYPE (TinyHarness, tiny_harness, TINY, HARNESS, SngHarness)

/* 10 steps, stopped after 7, which is in the middle of the second epoch and between two validations. */
SngHarness *tiny_harness_new  (const char *exp_name);
/* Damages a checkpoint: puts into it what the trainer, which is as before the first step, has under the names that begin
 * with the prefix. */
void        damage_checkpoint (SngTrainer    *trainer,
                               SngCheckpoint *checkpoint,
                               const char    *prefix);

G_END_DECLS
