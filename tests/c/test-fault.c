/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "far-device.h"
#include "tiny-model.h"

#include <string.h>

#include "harness/sng-fault-private.h"

/* The catalogue, and what is not planted. */

static void
test_list (void)
{
  g_autoptr (GListModel) faults = sng_fault_list ();
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_assert_cmpuint (g_list_model_get_n_items (faults), >=, 36);

  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (faults, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (SngFault) same = sng_fault_lookup (sng_fault_get_id (fault), &error);

      g_assert_no_error (error);
      g_assert_cmpstr (sng_fault_get_id (same), ==, sng_fault_get_id (fault));
      g_assert_true (g_hash_table_add (ids, g_strdup (sng_fault_get_id (fault))));
      g_assert_cmpuint (strlen (sng_fault_get_title (fault)), >, 0);
      g_assert_cmpint (sng_fault_get_expected_place (fault), !=, SNG_FAULT_PLACE_ANYWHERE);
    }
}

static void
test_lookup (void)
{
  const char *const unknown[] = { "", "lr-rest", "drop", "drop:", ":optimizer", "dropp:optimizer" };
  g_autoptr (SngFault) fault = sng_fault_lookup ("lr-reset", NULL);
  g_autoptr (SngFault) generic = sng_fault_lookup ("flip-bit:rng/dropout", NULL);

  g_assert_cmpint (sng_fault_get_cause (fault), ==, SNG_CAUSE_SCHEDULE);
  g_assert_cmpstr (sng_fault_get_expected_metrics (fault)[0], ==, "SchedulerState");
  g_assert_cmpstr (sng_fault_place_to_string (sng_fault_get_expected_place (fault)), ==, "+0");
  g_assert_cmpstr (sng_fault_get_needs (fault), ==, "a schedule");
  g_assert_cmpint (sng_fault_get_cause (generic), ==, SNG_CAUSE_RNG);
  g_assert_null (sng_fault_get_expected_metrics (generic)[0]);

  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sng_fault_lookup (unknown[i], &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, "drop, stale, off-by-one"));
    }
}

/* What is damaged need not be where the processor can reach it. */
static void
test_far (void)
{
  const double values[] = { 1, 1.0 + 0x1p-20, 3 };
  const struct
  {
    gboolean (*damage) (SngTensor *tensor);
    double expected[3];
  } cases[] = {
    { sng_fault_flip_tensor, { 1 + 0x1p-23, 1.0 + 0x1p-20, 3 } },
    { sng_fault_round_to_bf16, { 1, 1, 3 } },
    { sng_fault_zero_tensor, { 0, 0, 0 } },
  };
  const gint64 shape = 3;
  g_autoptr (SngDevice) device = far_device_new ();
  g_autoptr (SngTensor) near = sng_tensor_new_from_values (SNG_DTYPE_F32, &shape, 1, values, 3, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngTensor) expected =
          sng_tensor_new_from_values (SNG_DTYPE_F32, &shape, 1, cases[i].expected, 3, NULL);
      g_autoptr (SngTensor) far = sng_tensor_new (SNG_DTYPE_F32, &shape, 1, device, NULL);

      g_assert_true (sng_tensor_copy_from (far, near, NULL));
      g_assert_true (cases[i].damage (far));
      g_assert_true (sng_tensor_equal (far, expected));
    }
}

/* ---- What comes of a fault ---- */

#define N_STEPS 7

static gboolean
restore_cb (SngTrainer *trainer, SngCheckpoint *checkpoint, gpointer user_data, GError **error)
{
  guint *n_restores = user_data;

  (*n_restores)++;

  return sng_trainer_restore (trainer, checkpoint, error);
}

/* The checkpoint of @step of a tiny training, restored with the fault. */
static SngFaultOutcome
plant (const char *id, guint64 step, char **reason)
{
  g_autofree char *directory = g_dir_make_tmp ("sng-fault-XXXXXX", NULL);
  g_autoptr (SngTrainer) origin = tiny_trainer_new (2, 1, step, directory);
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, N_STEPS, directory);
  g_autoptr (SngCheckpointStore) checkpoints = sng_checkpoint_store_new (directory);
  g_autoptr (SngFault) fault = sng_fault_lookup (id, NULL);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  SngFaultOutcome outcome;
  guint n_restores = 0;

  g_assert_nonnull (fault);
  g_assert_true (step == 0 || sng_trainer_fit (origin, &error));
  g_assert_no_error (error);
  path = sng_trainer_save_checkpoint (origin, &error);
  g_assert_no_error (error);
  checkpoint = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  g_assert_true (sng_fault_restore (fault, trainer, checkpoints, checkpoint, restore_cb, &n_restores,
                                    &outcome, reason, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_restores, ==, outcome == SNG_FAULT_NOT_APPLICABLE ? 0 : 1);
  g_assert_cmpint (outcome == SNG_FAULT_PLANTED, ==, *reason == NULL);
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==,
                    outcome >= SNG_FAULT_NOT_APPLICABLE ? 0 : step);
  tiny_remove_directory (directory);

  return outcome;
}

typedef struct
{
  const char *id;
  guint64 step;
  SngFaultOutcome outcome;
  const char *reason; /* a part of it */
} Outcome;

static const Outcome outcomes[] = {
  { "lr-reset", 5, SNG_FAULT_PLANTED },
  { "lr-reset", 0, SNG_FAULT_NOT_PLANTED, "nothing was lost" },
  { "opt-dropped", 0, SNG_FAULT_NOT_PLANTED, "nothing was lost" },
  { "opt-swapped", 5, SNG_FAULT_NOT_APPLICABLE, "no two tensors" },
  { "opt-groups", 5, SNG_FAULT_NOT_APPLICABLE, "no two groups" },
  { "data-restart", 5, SNG_FAULT_NOT_PLANTED, "the epoch 1 has just begun" },
  { "data-restart", 6, SNG_FAULT_PLANTED },
  { "data-wrong-permutation", 4, SNG_FAULT_NOT_PLANTED, "the epoch 0" },
  { "data-exhausted", 5, SNG_FAULT_PLANTED },
  { "data-exhausted", 6, SNG_FAULT_NOT_APPLICABLE, "8 samples of the epoch 1 are left" },
  { "data-second-resume", 6, SNG_FAULT_NOT_APPLICABLE, "not stopped before in the epoch 1" },
  { "ema-reset", 6, SNG_FAULT_NOT_APPLICABLE, "no state \"ema\"" },
  { "accum-lost", 6, SNG_FAULT_NOT_APPLICABLE, "one micro-batch" },
  { "rng-wrong-rank", 6, SNG_FAULT_NOT_APPLICABLE, "one rank" },
  { "drop:optimizer", 6, SNG_FAULT_PLANTED },
  { "drop:optimizer", 0, SNG_FAULT_NOT_PLANTED, "nothing was lost" },
  { "drop:rng/dropout/position", 6, SNG_FAULT_PLANTED },
  { "drop:rng/dropout/seed", 6, SNG_FAULT_NOT_PLANTED, "nothing was lost" },
  { "drop:rng/dropout/place", 6, SNG_FAULT_NOT_APPLICABLE, "no \"place\" in the state \"rng/dropout\"" },
  { "drop:nothing", 6, SNG_FAULT_NOT_APPLICABLE, "no state \"nothing\"" },
  { "zero:model", 0, SNG_FAULT_NOT_PLANTED, "as when the training began" },
  { "zero:model", 6, SNG_FAULT_PLANTED },
  { "off-by-one:sampler", 6, SNG_FAULT_PLANTED },
  { "off-by-one:model", 6, SNG_FAULT_NOT_APPLICABLE, "nothing of that kind" },
  { "round-to-bf16:trainer", 6, SNG_FAULT_NOT_APPLICABLE, "nothing of that kind" },
  { "swap:scheduler", 6, SNG_FAULT_NOT_APPLICABLE, "no two tensors" },
  { "reseed:rng/dropout", 6, SNG_FAULT_PLANTED },
  { "reseed:model", 6, SNG_FAULT_NOT_APPLICABLE, "no stream" },
  { "flip-bit:rng/dropout", 6, SNG_FAULT_PLANTED },
  { "flip-bit:rng/dropout/seed", 6, SNG_FAULT_REFUSED, "seed: the checkpoint has " },
};

static void
test_outcome (gconstpointer data)
{
  const Outcome *expected = data;
  g_autofree char *reason = NULL;
  SngFaultOutcome outcome = plant (expected->id, expected->step, &reason);

  if (outcome != expected->outcome)
    g_error ("%s (%s)", sng_fault_outcome_to_string (outcome), reason);
  if (expected->reason != NULL && strstr (reason, expected->reason) == NULL)
    g_error ("%s", reason);
}

/* What the state came to have since the training began is lost as well. */
static void
test_dropped_entry (void)
{
  g_autofree char *directory = g_dir_make_tmp ("sng-fault-XXXXXX", NULL);
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, N_STEPS, directory);
  g_autoptr (SngCheckpointStore) checkpoints = sng_checkpoint_store_new (directory);
  g_autoptr (SngFault) fault = sng_fault_lookup ("drop:scheduler", NULL);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autofree char *path = NULL;
  g_autofree char *reason = NULL;
  g_autoptr (GError) error = NULL;
  SngFaultOutcome outcome;
  guint n_restores = 0;

  path = sng_trainer_save_checkpoint (trainer, &error);
  g_assert_no_error (error);
  checkpoint = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  sng_state_dict_set_double (sng_checkpoint_lookup_state (checkpoint, "scheduler"), "late", 1.0);

  g_assert_true (sng_fault_restore (fault, trainer, checkpoints, checkpoint, restore_cb, &n_restores,
                                    &outcome, &reason, &error));
  g_assert_no_error (error);
  g_assert_cmpint (outcome, ==, SNG_FAULT_PLANTED);
  tiny_remove_directory (directory);
}

static void
test_outcome_names (void)
{
  for (guint i = 0; i <= SNG_FAULT_REFUSED; i++)
    {
      SngFaultOutcome outcome;

      g_assert_true (
          sng_fault_outcome_from_string (sng_fault_outcome_to_string ((SngFaultOutcome) i), &outcome));
      g_assert_cmpuint (outcome, ==, i);
    }

  g_assert_false (sng_fault_outcome_from_string ("", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sng/fault/list", test_list);
  g_test_add_func ("/sng/fault/lookup", test_lookup);
  g_test_add_func ("/sng/fault/dropped-entry", test_dropped_entry);
  g_test_add_func ("/sng/fault/far", test_far);
  g_test_add_func ("/sng/fault/outcome/names", test_outcome_names);

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/sng/fault/outcome/%" G_GUINT64_FORMAT "/%s", outcomes[i].step, outcomes[i].id);

      g_test_add_data_func (path, &outcomes[i], test_outcome);
    }

  return g_test_run ();
}
