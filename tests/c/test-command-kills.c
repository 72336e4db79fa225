/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Kills before file operations, called as a program calls them; tests/cli/test-kills.py has the trainings. */

#include <sng.h>

#include <string.h>

#include <glib/gstdio.h>

/* Counts to 3 in a file that is renamed, or written in place. */
#define COUNT                                                                                                \
 "n=0; read -r n < $SNG_CHECKPOINT_DIR/n; while [ ${n:-0} -lt 3 ]; do n=$((n + 1)); %s; done; exit 0"
#define RENAME "echo $n > $SNG_CHECKPOINT_DIR/new; mv $SNG_CHECKPOINT_DIR/new $SNG_CHECKPOINT_DIR/n"
#define FORGET                                                                                               \
 "rm -f $SNG_CHECKPOINT_DIR/n; echo $n > $SNG_CHECKPOINT_DIR/n; echo $SNG_MODE > $SNG_CHECKPOINT_DIR/m"

static SngHarness *
create_harness (const char *save)
{
  g_autofree char *script = g_strdup_printf (COUNT, save);
  const char *const command[] = { "sh", "-c", script, NULL };
  const char *const compare[] = { "{checkpoint-dir}/*", NULL };
  SngHarness *harness = sng_command_harness_new (command);

  g_object_set (harness, "compare", compare, NULL);

  return harness;
}

static guint
count (SngReport *report, SngKillOutcome outcome)
{
  GListModel *kills = sng_report_get_kills (report);
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (kills); i++)
    {
      g_autoptr (SngKillResult) kill = g_list_model_get_item (kills, i);

      n += sng_kill_result_get_outcome (kill) == outcome;
    }

  return n;
}

static void
test_pass (void)
{
  g_autoptr (SngHarness) harness = create_harness (RENAME);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = sng_command_harness_run_kills (SNG_COMMAND_HARNESS (harness), NULL, &error);
  g_autoptr (SngKillResult) third = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  /* Opened, written and renamed, three times; some programs try a rename that replaces nothing before. */
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_kills (report)), >=, 9);
  g_assert_cmpuint (count (report, SNG_KILL_OUTCOME_PASS), ==, 3);
  g_assert_cmpuint (count (report, SNG_KILL_OUTCOME_LOST_WORK), >=, 6);

  third = g_list_model_get_item (sng_report_get_kills (report), 2);
  g_assert_cmpuint (sng_kill_result_get_number (third), ==, 3);
  g_assert_cmpstr (sng_kill_result_get_operation (third), ==, "rename");
  g_assert_cmpstr (sng_kill_result_get_path (third), ==, "new");
  g_assert_cmpstr (sng_kill_result_get_other_path (third), ==, "n");
  g_assert_cmpstr (sng_kill_result_get_detail (third), ==, "2 file operations were made once more");
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
test_async (void)
{
  g_autoptr (SngHarness) harness = create_harness (FORGET);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = NULL;
  g_autofree char *kill_dir = NULL;
  guint kill_every;

  g_object_set (harness, "kill-dir", "{checkpoint-dir}", "kill-every", 2, NULL);
  g_object_get (harness, "kill-dir", &kill_dir, "kill-every", &kill_every, NULL);
  g_assert_cmpstr (kill_dir, ==, "{checkpoint-dir}");
  g_assert_cmpuint (kill_every, ==, 2);

  sng_command_harness_run_kills_async (SNG_COMMAND_HARNESS (harness), NULL, finished_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  report = sng_command_harness_run_kills_finish (SNG_COMMAND_HARNESS (harness), result, &error);
  g_assert_no_error (error);

  /* The resumed training tells what it is, so it leaves other files. */
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpuint (count (report, SNG_KILL_OUTCOME_SILENT_DIVERGENCE), >, 3);
}

static void
test_cancelled (void)
{
  g_autoptr (SngHarness) harness = create_harness (RENAME);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (sng_command_harness_run_kills (SNG_COMMAND_HARNESS (harness), cancellable, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_CANCELLED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/command-kills/pass", test_pass);
  g_test_add_func ("/sng/command-kills/async", test_async);
  g_test_add_func ("/sng/command-kills/cancelled", test_cancelled);

  return g_test_run ();
}
