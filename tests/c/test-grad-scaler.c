/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <float.h>
#include <string.h>

#include <sng.h>

static SngGradScaler *
scaler_of (double initial_scale, guint64 growth_interval)
{
  return g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", initial_scale, "growth-interval",
                       growth_interval, NULL);
}

static void
update (SngGradScaler *scaler, gboolean found_non_finite)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_grad_scaler_update (scaler, found_non_finite, &error));
  g_assert_no_error (error);
}

static void
check (SngGradScaler *scaler, double scale, guint64 growth_tracker, guint64 n_skipped)
{
  g_assert_cmpfloat (sng_grad_scaler_get_scale (scaler), ==, scale);
  g_assert_cmpuint (sng_grad_scaler_get_growth_tracker (scaler), ==, growth_tracker);
  g_assert_cmpuint (sng_grad_scaler_get_n_skipped (scaler), ==, n_skipped);
}

static void
test_defaults (void)
{
  g_autoptr (SngGradScaler) scaler = sng_grad_scaler_new ();
  double initial_scale, growth_factor, backoff_factor;
  guint64 growth_interval;

  g_object_get (scaler, "initial-scale", &initial_scale, "growth-factor", &growth_factor, "backoff-factor",
                &backoff_factor, "growth-interval", &growth_interval, NULL);
  g_assert_cmpfloat (initial_scale, ==, 65536.0);
  g_assert_cmpfloat (growth_factor, ==, 2.0);
  g_assert_cmpfloat (backoff_factor, ==, 0.5);
  g_assert_cmpuint (growth_interval, ==, 2000);

  for (guint i = 0; i < 1999; i++)
    update (scaler, FALSE);
  check (scaler, 65536.0, 1999, 0);
  update (scaler, FALSE);
  check (scaler, 131072.0, 0, 0);
}

/* A skipped step begins the count of successful ones anew. */
static void
test_rule (void)
{
  g_autoptr (SngGradScaler) scaler = scaler_of (1024.0, 3);

  update (scaler, FALSE);
  update (scaler, FALSE);
  check (scaler, 1024.0, 2, 0);
  update (scaler, TRUE);
  check (scaler, 512.0, 0, 1);
  update (scaler, TRUE);
  check (scaler, 256.0, 0, 2);
  update (scaler, FALSE);
  update (scaler, FALSE);
  check (scaler, 256.0, 2, 2);
  update (scaler, FALSE);
  check (scaler, 512.0, 0, 2);
}

/* The scale is a binary32, whatever the factors are. */
static void
test_rounding (void)
{
  g_autoptr (SngGradScaler) scaler =
      g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", 0.1, "growth-factor", 1.7, "backoff-factor", 0.3,
                    "growth-interval", G_GUINT64_CONSTANT (1), NULL);
  float expected = 0.1f;

  check (scaler, expected, 0, 0);
  update (scaler, FALSE);
  expected = (float) ((double) expected * 1.7);
  check (scaler, expected, 0, 0);
  update (scaler, TRUE);
  expected = (float) ((double) expected * 0.3);
  check (scaler, expected, 0, 1);
}

/* Up to what binary32 holds, down to what binary16 does. */
static void
test_limits (void)
{
  g_autoptr (SngGradScaler) high = scaler_of (0x1p127, 1);
  g_autoptr (SngGradScaler) low = scaler_of (0x1p-23, 5);
  g_autoptr (GError) error = NULL;

  update (high, FALSE);
  check (high, 0x1p127, 0, 0);

  update (low, TRUE);
  check (low, 0x1p-24, 0, 1);
  update (low, FALSE);
  g_assert_false (sng_grad_scaler_update (low, TRUE, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE);
  g_assert_cmpstr (error->message, ==, "[grad-scaler] the scale is 5.96046e-08 and cannot fall below 2^-24");
  check (low, 0x1p-24, 1, 1);
}

static void
test_state (void)
{
  g_autoptr (SngGradScaler) scaler = scaler_of (1024.0, 3);
  g_autoptr (SngGradScaler) other = scaler_of (4.0, 3);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;

  update (scaler, TRUE);
  update (scaler, FALSE);
  state = sng_stateful_get_state (SNG_STATEFUL (scaler), &error);
  g_assert_no_error (error);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other), state, &error));
  g_assert_no_error (error);
  check (other, 512.0, 1, 1);

  update (other, FALSE);
  update (other, FALSE);
  check (other, 1024.0, 0, 1);
}

/* Changes one value of a good state; that is refused, and nothing has changed. */
static void
check_refused (const char *name, GVariant *value, const char *message)
{
  g_autoptr (SngGradScaler) scaler = scaler_of (1024.0, 3);
  g_autoptr (SngGradScaler) source = scaler_of (4.0, 3);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (source), NULL);
  g_autoptr (GError) error = NULL;

  sng_state_dict_set_value (state, name, value);
  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (scaler), state, NULL));
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (scaler), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_true (g_str_has_prefix (error->message, "[grad-scaler][restore] "));
  g_assert_nonnull (strstr (error->message, message));
  check (scaler, 1024.0, 0, 0);
}

static void
test_bad_state (void)
{
  check_refused ("growth_interval", g_variant_new_uint64 (4),
                 "growth_interval: the checkpoint has 4, this run has 3");
  check_refused ("growth_factor", g_variant_new_double (3.0),
                 "growth_factor: the checkpoint has 3, this run has 2");
  check_refused ("growth_tracker", g_variant_new_uint64 (3),
                 "the checkpoint has 3, this run has a growth-int");
  check_refused ("scale", g_variant_new_double (0.0), "scale: the checkpoint has 0, expected");
  check_refused ("scale", g_variant_new_double (0x1p-25), "scale: the checkpoint has 2.98");
  check_refused ("scale", g_variant_new_double (0.1), "scale: the checkpoint has 0.1");
  check_refused ("scale", g_variant_new_double (2.0 * FLT_MAX), "scale: the checkpoint has 6.8");
  check_refused ("n_skipped", g_variant_new_string ("few"), "n_skipped: the checkpoint has 'few'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/grad-scaler/defaults", test_defaults);
  g_test_add_func ("/sng/grad-scaler/rule", test_rule);
  g_test_add_func ("/sng/grad-scaler/rounding", test_rounding);
  g_test_add_func ("/sng/grad-scaler/limits", test_limits);
  g_test_add_func ("/sng/grad-scaler/state", test_state);
  g_test_add_func ("/sng/grad-scaler/bad-state", test_bad_state);

  return g_test_run ();
}
