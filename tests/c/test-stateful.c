/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "state-fixture.h"

static void
test_round_trip (void)
{
  g_autoptr (TestStateful) stateful = test_stateful_new (7);
  g_autoptr (TestStateful) other = test_stateful_new (8);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;

  *(guint8 *) sng_tensor_get_data (stateful->weights) ^= 1;
  g_assert_false (sng_tensor_equal (stateful->weights, other->weights));

  state = sng_stateful_get_state (SNG_STATEFUL (stateful), &error);
  g_assert_no_error (error);
  g_assert_true (sng_stateful_check_state (SNG_STATEFUL (other), state, &error));
  g_assert_no_error (error);
  g_assert_cmpint (other->number, ==, 8);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other), state, &error));
  g_assert_no_error (error);
  g_assert_cmpint (other->number, ==, 7);
  g_assert_true (sng_tensor_equal (stateful->weights, other->weights));
}

/* Calls the function that has the fault. */
static gboolean
call (TestStateful *stateful, Fault fault, GError **error)
{
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (stateful), NULL);
  g_autoptr (SngStateDict) got = NULL;

  stateful->fault = fault;
  switch (fault)
    {
    case FAULT_GET:
    case FAULT_GET_SILENT:
      got = sng_stateful_get_state (SNG_STATEFUL (stateful), error);
      return got != NULL;
    case FAULT_CHECK:
    case FAULT_CHECK_SILENT:
      return sng_stateful_check_state (SNG_STATEFUL (stateful), state, error);
    default:
      return sng_stateful_set_state (SNG_STATEFUL (stateful), state, error);
    }
}

static void
test_errors (void)
{
  static const Fault faults[] = { FAULT_GET, FAULT_CHECK, FAULT_SET };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (TestStateful) stateful = test_stateful_new (7);
      g_autoptr (GError) error = NULL;

      g_assert_false (call (stateful, faults[i], &error));
      fixture_assert_error (error, SNG_ERROR_INVALID_DATA, "[test] planted fault");
      g_assert_false (call (stateful, faults[i], NULL));
    }
}

static void
test_silent_failures (void)
{
  static const struct
  {
    Fault fault;
    const char *words;
  } cases[] = {
    { FAULT_GET_SILENT, "[vfunc] TestStateful.get_state failed without an error" },
    { FAULT_CHECK_SILENT, "[vfunc] TestStateful.check_state failed without an error" },
    { FAULT_SET_SILENT, "[vfunc] TestStateful.set_state failed without an error" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TestStateful) stateful = test_stateful_new (7);
      g_autoptr (GError) error = NULL;

      g_assert_false (call (stateful, cases[i].fault, &error));
      fixture_assert_error (error, SNG_ERROR_FAILED, cases[i].words);
    }
}

/* An error counts, whatever else was returned. */
static void
test_undecided (void)
{
  g_autoptr (TestStateful) stateful = test_stateful_new (7);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (stateful), NULL);
  g_autoptr (GError) error = NULL;

  stateful->fault = FAULT_CHECK_UNDECIDED;
  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (stateful), state, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA, "[test] planted fault");
}

static void
test_not_implemented (void)
{
  g_autoptr (TestBare) bare = g_object_new (TEST_TYPE_BARE, NULL);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_stateful_get_state (SNG_STATEFUL (bare), &error));
  fixture_assert_error (error, SNG_ERROR_NOT_SUPPORTED, "[vfunc] TestBare does not implement get_state");
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (bare), state, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_SUPPORTED, "[vfunc] TestBare does not implement set_state");

  /* A check is optional. */
  g_assert_true (sng_stateful_check_state (SNG_STATEFUL (bare), state, &error));
  g_assert_no_error (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/stateful/round-trip", test_round_trip);
  g_test_add_func ("/sng/stateful/errors", test_errors);
  g_test_add_func ("/sng/stateful/silent-failures", test_silent_failures);
  g_test_add_func ("/sng/stateful/undecided", test_undecided);
  g_test_add_func ("/sng/stateful/not-implemented", test_not_implemented);

  return g_test_run ();
}
