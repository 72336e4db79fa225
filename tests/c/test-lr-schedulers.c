/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <sng.h>
#include <string.h>

#define N_STEPS 12

typedef SngLrScheduler *(*NewFunc) (void);

static SngLrScheduler *
constant_new (void)
{
  return sng_constant_lr_new (3e-4);
}

static SngLrScheduler *
linear_warmup_new (void)
{
  return sng_linear_warmup_lr_new (1e-3, 4);
}

static SngLrScheduler *
cosine_new (void)
{
  return sng_cosine_lr_new (1e-3, 1e-5, 3, 10);
}

static SngLrScheduler *
hold_new (void)
{
  return sng_warmup_anneal_decay_hold_lr_new (4e-4, 4e-5, 4, 10, 0.25);
}

/* As in the stop-and-go test of BioNeMo's ESM-2: the warm-up is longer than the training. */
static SngLrScheduler *
long_warmup_new (void)
{
  return sng_warmup_anneal_decay_hold_lr_new (1e-4, 0.0, 50, 10, 0.1);
}

/* Computed with 40 decimal digits from the formulas in the documentation. */
static const struct
{
  const char *name;
  NewFunc create;
  gboolean is_constant;
  double expected[N_STEPS];
} schedules[] = {
  { "constant",
    constant_new,
    TRUE,
    { 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4 } },
  { "linear-warmup",
    linear_warmup_new,
    FALSE,
    { 0.0, 0.00025, 0.0005, 0.00075, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001 } },
  { "cosine",
    cosine_new,
    FALSE,
    { 0.0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.0009509795896116975, 0.0008136274519200731,
      0.0006151478623083757, 0.0003948521376916244, 0.0001963725480799269, 5.902041038830253e-05, 1e-05,
      1e-05 } },
  { "warmup-anneal-decay-hold",
    hold_new,
    FALSE,
    { 4e-05, 0.00013, 0.00022, 0.00031, 0.0004, 0.0003333333333333333, 0.0002666666666666667, 0.0002,
      0.00013333333333333334, 0.0001, 0.0001, 0.0001 } },
  { "long-warmup",
    long_warmup_new,
    FALSE,
    { 0.0, 2e-06, 4e-06, 6e-06, 8e-06, 1e-05, 1.2e-05, 1.4e-05, 1.6e-05, 1.8e-05, 2e-05, 2.2e-05 } },
};

static SngOptimizer *
optimizer_new (void)
{
  g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);

  return sng_adamw_new (G_LIST_MODEL (parameters), 1.0, 0.0);
}

static void
test_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (schedules); i++)
    {
      g_autoptr (SngLrScheduler) scheduler = schedules[i].create ();
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (sng_lr_scheduler_is_constant (scheduler, &error), ==, schedules[i].is_constant);
      g_assert_no_error (error);

      for (guint step = 0; step < N_STEPS; step++)
        {
          double expected = schedules[i].expected[step];
          double rate;

          sng_lr_scheduler_compute (scheduler, step, &rate, &error);
          g_assert_no_error (error);
          g_assert_cmpfloat (fabs (rate - expected), <=, 1e-15 * fabs (expected));
        }

      g_assert_cmpuint (sng_lr_scheduler_get_count (scheduler), ==, 0);
    }
}

/* Where the warm-up takes as long as everything, there is nothing to divide by. */
static void
test_no_decay (void)
{
  g_autoptr (SngLrScheduler) hold = sng_warmup_anneal_decay_hold_lr_new (1e-2, 0.0, 5, 5, 0.5);
  g_autoptr (SngLrScheduler) cosine = sng_cosine_lr_new (1e-2, 1e-3, 5, 5);
  double rate;

  g_assert_true (sng_lr_scheduler_compute (hold, 5, &rate, NULL));
  g_assert_cmpfloat (rate, ==, 5e-3);
  g_assert_true (sng_lr_scheduler_compute (cosine, 5, &rate, NULL));
  g_assert_cmpfloat (rate, ==, 1e-3);
  g_assert_true (sng_lr_scheduler_compute (cosine, G_MAXUINT64, &rate, NULL));
  g_assert_cmpfloat (rate, ==, 1e-3);
}

static void
test_steps (void)
{
  g_autoptr (SngOptimizer) optimizer = optimizer_new ();

  for (guint i = 0; i < G_N_ELEMENTS (schedules); i++)
    {
      g_autoptr (SngLrScheduler) scheduler = schedules[i].create ();
      g_autoptr (SngLrScheduler) resumed = schedules[i].create ();
      g_autoptr (SngStateDict) state = NULL;
      g_autoptr (GError) error = NULL;
      double before, after;

      g_assert_true (sng_lr_scheduler_apply (scheduler, optimizer, NULL));
      g_assert_cmpfloat_with_epsilon (sng_optimizer_get_learning_rate (optimizer), schedules[i].expected[0],
                                      1e-12);

      for (guint step = 1; step < 6; step++)
        {
          g_assert_true (sng_lr_scheduler_step (scheduler, optimizer, NULL));
          g_assert_cmpuint (sng_lr_scheduler_get_count (scheduler), ==, step);
          g_assert_cmpfloat_with_epsilon (sng_optimizer_get_learning_rate (optimizer),
                                          schedules[i].expected[step], 1e-12);
        }

      before = sng_optimizer_get_learning_rate (optimizer);
      state = sng_stateful_get_state (SNG_STATEFUL (scheduler), &error);
      g_assert_no_error (error);
      sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error);
      g_assert_no_error (error);
      sng_optimizer_set_learning_rate (optimizer, 1.0);
      g_assert_true (sng_lr_scheduler_apply (resumed, optimizer, NULL));
      after = sng_optimizer_get_learning_rate (optimizer);
      g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
    }
}

static void
check_refused (SngLrScheduler *scheduler, SngLrScheduler *other, const char *in_message)
{
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (other), NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (scheduler), state, NULL));
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (scheduler), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, in_message));
  g_assert_cmpuint (sng_lr_scheduler_get_count (scheduler), ==, 0);
}

static void
test_other_schedule_is_refused (void)
{
  g_autoptr (SngLrScheduler) cosine = cosine_new ();
  g_autoptr (SngLrScheduler) longer = sng_cosine_lr_new (1e-3, 1e-5, 3, 11);
  g_autoptr (SngLrScheduler) constant = constant_new ();

  check_refused (cosine, longer, "max-steps: the checkpoint has 11, this run has 10");
  check_refused (cosine, constant,
                 "schedule: the checkpoint has 'SngConstantLr', this run has 'SngCosineLr'");
}

/* A schedule that someone wrote, and wrote badly. */
#define BAD_TYPE_LR (bad_lr_get_type ())
G_DECLARE_FINAL_TYPE (BadLr, bad_lr, BAD, LR, SngLrScheduler)

struct _BadLr
{
  SngLrScheduler parent_instance;

  gboolean silent;
};

G_DEFINE_FINAL_TYPE (BadLr, bad_lr, SNG_TYPE_LR_SCHEDULER)

static gboolean
bad_lr_compute (SngLrScheduler *scheduler, guint64 step, double *learning_rate, GError **error)
{
  *learning_rate = step < 2 ? 0.5 : NAN;

  return step < 2 || !BAD_LR (scheduler)->silent;
}

static void
bad_lr_class_init (BadLrClass *klass)
{
  SNG_LR_SCHEDULER_CLASS (klass)->compute = bad_lr_compute;
}

static void
bad_lr_init (BadLr *self)
{
}

static void
test_bad_schedule (void)
{
  g_autoptr (SngOptimizer) optimizer = optimizer_new ();

  for (int silent = 0; silent < 2; silent++)
    {
      g_autoptr (BadLr) bad = g_object_new (BAD_TYPE_LR, NULL);
      g_autoptr (GError) error = NULL;

      bad->silent = silent;
      g_assert_true (sng_lr_scheduler_step (SNG_LR_SCHEDULER (bad), optimizer, NULL));
      g_assert_false (sng_lr_scheduler_step (SNG_LR_SCHEDULER (bad), optimizer, &error));
      g_assert_error (error, SNG_ERROR, silent ? SNG_ERROR_FAILED : SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "BadLr.compute"));
      g_assert_cmpuint (sng_lr_scheduler_get_count (SNG_LR_SCHEDULER (bad)), ==, 1);
      g_assert_cmpfloat (sng_optimizer_get_learning_rate (optimizer), ==, 0.5);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/lr-schedulers/values", test_values);
  g_test_add_func ("/sng/lr-schedulers/no-decay", test_no_decay);
  g_test_add_func ("/sng/lr-schedulers/steps", test_steps);
  g_test_add_func ("/sng/lr-schedulers/other-schedule-is-refused", test_other_schedule_is_refused);
  g_test_add_func ("/sng/lr-schedulers/bad-schedule", test_bad_schedule);

  return g_test_run ();
}
