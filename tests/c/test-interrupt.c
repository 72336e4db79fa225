/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Trainings that are ended in every way at every place, each in a process of its own, and what a resume makes of it. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tiny-model.h"

#define MAX_STEPS 6
#define STEP 4 /* with a validation */
#define N_PLANS 12

/* How a training in a process of its own has ended; also its exit status. */
typedef enum
{
  FINISHED,
  STOPPED,
  PREEMPTED,
  KILLED
} End;

static const char *program;

/* Validations after each second step, with an average that is in the place of the weights meanwhile, and the newest two
 * checkpoints: so a save has something to remove. */
static SngTrainer *
create_trainer (const char *directory, guint64 every_n_steps)
{
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "every-n-train-steps", every_n_steps,
                    "save-top-k", 2, NULL);
  g_autoptr (SngExponentialMovingAverage) average =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, NULL);
  SngTrainer *trainer =
      g_object_new (SNG_TYPE_TRAINER, "model-checkpoint", plan, "exponential-moving-average", average,
                    "micro-batch-size", 2, "accumulate-grad-batches", 2, "max-steps", (guint64) MAX_STEPS,
                    "val-check-interval", (guint64) 2, NULL);

  tiny_trainer_attach (trainer);

  return trainer;
}

static char *
describe (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  return sng_fingerprint_to_string (fingerprint);
}

static guint64
get_newest (const char *directory)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_auto (GStrv) refused = NULL;
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_store_load_latest (store, &refused, NULL);

  g_assert_true (refused == NULL || refused[0] == NULL);

  return checkpoint != NULL ? sng_checkpoint_get_step (checkpoint) : 0;
}

static void
fired_cb (SngInterrupt *interrupt, gpointer data)
{
  g_print ("fired\n");
}

/* The program's other life: goes on from what is in the directory, and prints the state at the end. */
static End
train (const char *directory, const char *every_n_steps, const char *text)
{
  g_autoptr (SngTrainer) trainer = create_trainer (directory, g_ascii_strtoull (every_n_steps, NULL, 10));
  g_autoptr (SngCheckpoint) checkpoint =
      sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, NULL);
  g_autoptr (SngInterrupt) interrupt = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *state = NULL;

  if (checkpoint != NULL)
    sng_trainer_restore (trainer, checkpoint, &error);
  g_assert_no_error (error);

  if (*text != '\0')
    {
      interrupt = sng_interrupt_from_string (text, &error);
      g_assert_no_error (error);
      g_signal_connect (interrupt, "fired", G_CALLBACK (fired_cb), NULL);
      sng_interrupt_attach (interrupt, trainer);
    }

  if (!sng_trainer_fit (trainer, &error))
    {
      if (g_error_matches (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO))
        return STOPPED;
      g_assert_error (error, SNG_ERROR, SNG_ERROR_PREEMPTED);
      return PREEMPTED;
    }

  state = describe (trainer);
  g_print ("%s\n", state);

  return FINISHED;
}

/* Trains in a child process. What it printed goes to @output. */
static End
run (const char *directory, guint64 every_n_steps, const char *text, char **output)
{
  g_autofree char *every = g_strdup_printf ("%" G_GUINT64_FORMAT, every_n_steps);
  char *argv[] = { (char *) program, (char *) "--train", (char *) directory, every, (char *) text, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, output, NULL, &status, &error);
  g_assert_no_error (error);

  if (WIFSIGNALED (status))
    {
      g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
      return KILLED;
    }

  return (End) WEXITSTATUS (status);
}

static char *
make_directory (void)
{
  return g_dir_make_tmp ("test-interrupt-XXXXXX", NULL);
}

/* The last state of a training that nobody has interrupted. */
static char *
train_through (guint64 every_n_steps)
{
  g_autofree char *directory = make_directory ();
  char *output = NULL;

  g_assert_cmpint (run (directory, every_n_steps, "", &output), ==, FINISHED);
  tiny_remove_directory (directory);

  return output;
}

/* A training that is interrupted and resumed: how it ends, the step of the checkpoint that it leaves, and that the resumed
 * one ends like the one that was never interrupted. */
static void
check (const char *text, guint64 every_n_steps, const char *expected, End end, guint64 newest)
{
  g_autofree char *directory = make_directory ();
  g_autofree char *output = NULL;
  g_autofree char *resumed = NULL;

  g_test_message ("%s", text);
  g_assert_cmpint (run (directory, every_n_steps, text, &output), ==, end);
  g_assert_cmpstr (output, ==, "fired\n");
  g_assert_cmpuint (get_newest (directory), ==, newest);

  g_assert_cmpint (run (directory, every_n_steps, "", &resumed), ==, FINISHED);
  g_assert_cmpstr (resumed, ==, expected);
  tiny_remove_directory (directory);
}

/* The places of a step, and whether its checkpoint is there then. */
static const struct
{
  const char *phase;
  gboolean is_saved;
} places[] = {
  { "step-start", FALSE }, { "forward", FALSE },      { "forward.1", FALSE },    { "backward", FALSE },
  { "backward.1", FALSE }, { "optimizer", FALSE },    { "scheduler", FALSE },    { "validation", FALSE },
  { "save", FALSE },       { "validation.2", FALSE }, { "step-finished", TRUE },
};

static void
test_kinds_and_phases (void)
{
  g_autofree char *expected = train_through (1);

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const char *phase = places[i].phase;
      g_autofree char *raised = g_strdup_printf ("%d:raise@%s", STEP, phase);
      g_autofree char *preempted = g_strdup_printf ("%d:preempt=usr1@%s", STEP, phase);
      g_autofree char *killed = g_strdup_printf ("%d:kill@%s", STEP, phase);
      guint64 newest = places[i].is_saved ? STEP : STEP - 1;

      /* What is raised in a save lets it finish. */
      check (raised, 1, expected, STOPPED, g_str_equal (phase, "save") ? STEP : newest);
      check (preempted, 1, expected, PREEMPTED, STEP);
      check (killed, 1, expected, KILLED, newest);
    }
}

/* In a step that saves nothing by itself, and with nothing that was saved before. */
static void
test_without_checkpoint (void)
{
  g_autofree char *expected = train_through (0);

  check ("4", 0, expected, STOPPED, 4);
  check ("4@save", 0, expected, STOPPED, 4);
  check ("4@backward", 0, expected, STOPPED, 0);
  check ("4:preempt", 0, expected, PREEMPTED, 4);
  check ("4:preempt@save.9", 0, expected, PREEMPTED, 4);
  check ("4:kill", 0, expected, KILLED, 0);
  check ("4:kill-in-save=9", 0, expected, KILLED, 0);
}

/* Killed before each operation of a save in turn, down to the removal of what is not kept any more. */
static void
test_kill_in_save (void)
{
  g_autofree char *expected = train_through (1);
  guint n, n_old = 0;

  for (n = 1; n < 200; n++)
    {
      g_autofree char *directory = make_directory ();
      g_autofree char *text = g_strdup_printf ("%d:kill-in-save=%u", STEP, n);
      g_autofree char *output = NULL;
      g_autofree char *resumed = NULL;
      End end = run (directory, 1, text, &output);
      guint64 newest = get_newest (directory);

      if (end == FINISHED)
        {
          g_assert_cmpstr (output, ==, expected);
          tiny_remove_directory (directory);
          break;
        }

      g_assert_cmpint (end, ==, KILLED);
      g_assert_cmpstr (output, ==, "fired\n");

      /* Once the new one is in place, it stays. */
      g_assert_true (newest == STEP || (newest == STEP - 1 && n == n_old + 1));
      n_old += newest == STEP - 1;

      g_assert_cmpint (run (directory, 1, "", &resumed), ==, FINISHED);
      g_assert_cmpstr (resumed, ==, expected);
      tiny_remove_directory (directory);
    }

  g_test_message ("%u operations, %u of them before the checkpoint is there", n - 1, n_old);
  g_assert_cmpuint (n, <, 200);
  g_assert_cmpuint (n_old, >, 20);
  g_assert_cmpuint (n - 1 - n_old, >, 5);
}

/* What was interrupted and resumed is interrupted again, within one epoch. */
static void
test_several (void)
{
  static const struct
  {
    const char *text;
    End end;
  } stops[] = {
    { "2:kill@backward.1", KILLED },
    { "2:kill-in-save=12", KILLED },
    { "3@optimizer", STOPPED },
    { "3:preempt", PREEMPTED },
    { "5", STOPPED },
    { "", FINISHED },
  };
  g_autofree char *expected = train_through (1);
  g_autofree char *directory = make_directory ();

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autofree char *output = NULL;

      g_assert_cmpint (run (directory, 1, stops[i].text, &output), ==, stops[i].end);
      g_assert_cmpstr (output, ==, stops[i].end == FINISHED ? expected : "fired\n");
    }
  tiny_remove_directory (directory);
}

/* What a training that nobody has interrupted records. */
static SngRunStore *
record (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, NULL);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
  g_autoptr (SngTrainer) trainer = create_trainer (directory, 0);
  g_autoptr (SngCallback) train_loss = sng_train_loss_callback_new ();
  g_autoptr (SngCallback) valid_loss = sng_valid_loss_callback_new ();
  g_autoptr (GError) error = NULL;

  sng_callback_attach (train_loss, trainer, recorder, &error);
  g_assert_no_error (error);
  sng_callback_attach (valid_loss, trainer, recorder, &error);
  g_assert_no_error (error);
  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&store);
}

/* Every stop of a random plan is come to, and none of them changes anything. */
static void
test_random_plans (void)
{
  g_autofree char *expected = train_through (2);
  g_autofree char *store_directory = make_directory ();
  g_autoptr (SngRunStore) store = record (store_directory);

  for (guint seed = 0; seed < N_PLANS; seed++)
    {
      g_autofree char *name = g_strdup_printf ("random:%u:%d", seed, MAX_STEPS - 1);
      g_autofree char *directory = make_directory ();
      g_autofree char *output = NULL;
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (SngStopPlan) named = sng_stop_plan_from_string (name, NULL);
      g_autoptr (SngStopPlan) plan = sng_stop_plan_resolve (named, store, MAX_STEPS, 0, &error);

      g_assert_no_error (error);
      text = sng_stop_plan_to_string (plan);
      g_test_message ("%s", text);

      for (guint i = 0; i < sng_stop_plan_get_n_interrupts (plan); i++)
        {
          g_autofree char *stop = sng_interrupt_to_string (sng_stop_plan_get_interrupt (plan, i));
          g_autofree char *news = NULL;

          g_assert_cmpint (run (directory, 2, stop, &news), !=, FINISHED);
          g_assert_cmpstr (news, ==, "fired\n");
        }

      g_assert_cmpint (run (directory, 2, "", &output), ==, FINISHED);
      g_assert_cmpstr (output, ==, expected);
      tiny_remove_directory (directory);
    }

  g_clear_object (&store);
  tiny_remove_directory (store_directory);
}

/* Trains in this process; returns at which step the run has ended, and whether it was by the interrupt. */
static guint64
train_here (const char *text, guint64 every_n_steps, gboolean *fired)
{
  g_autofree char *directory = make_directory ();
  g_autoptr (SngTrainer) trainer = create_trainer (directory, every_n_steps);
  g_autoptr (SngInterrupt) interrupt = NULL;
  g_autoptr (GError) error = NULL;

  interrupt = sng_interrupt_from_string (text, &error);
  g_assert_no_error (error);
  sng_interrupt_attach (interrupt, trainer);

  *fired = !sng_trainer_fit (trainer, &error);

  if (*fired)
    {
      g_autofree char *end = g_strdup_printf ("by \"%s\"", text);

      g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
      g_assert_nonnull (strstr (error->message, end));
    }
  tiny_remove_directory (directory);

  return sng_trainer_get_global_step (trainer);
}

static void
test_first (void)
{
  gboolean fired;

  g_assert_cmpuint (train_here ("0", 3, &fired), ==, 3);
  g_assert_true (fired);
  g_assert_cmpuint (train_here ("0@save", 3, &fired), ==, 3);
  g_assert_true (fired);
  g_assert_cmpuint (train_here ("0@optimizer", 3, &fired), ==, 0);
  g_assert_true (fired);
}

/* Places that a training does not come to. */
static void
test_never (void)
{
  static const char *const texts[] = { "7", "3@validation", "4@validation.3", "4@forward.2", "4@save.99" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      gboolean fired;

      g_assert_cmpuint (train_here (texts[i], 1, &fired), ==, MAX_STEPS);
      g_assert_false (fired);
    }
}

/* Without a place to save to, the end of the run is that error. */
static void
test_nowhere (void)
{
  static const char *const texts[] = { "2", "2@save" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, MAX_STEPS, NULL);
      g_autoptr (SngInterrupt) interrupt = NULL;
      g_autoptr (GError) error = NULL;

      interrupt = sng_interrupt_from_string (texts[i], &error);
      g_assert_no_error (error);
      sng_interrupt_attach (interrupt, trainer);
      g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "no model-checkpoint"));
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 2);
    }
}

static void
test_text (void)
{
  static const char *const texts[] = {
    "0",
    "7",
    "7:kill",
    "7:kill@backward.1",
    "7:preempt=usr1@forward",
    "7:preempt",
    "7@step-start",
    "7@validation.3",
    "7:preempt=int",
    "7:preempt=40@save.3",
    "7@save",
    "7@save.12",
    "7@optimizer",
    "8:kill-in-save=3",
    "18446744073709551615@scheduler",
    "7:kill@save.2",
  };
  static const struct
  {
    const char *text;
    const char *plain;
  } others[] = {
    { "7:raise", "7" },
    { "07:raise@step-finished", "7" },
    { "7:preempt=SIGTERM", "7:preempt" },
    { "7:preempt=10", "7:preempt=usr1" },
    { "7@forward.0", "7@forward" },
    { "7@save.1", "7@save" },
    { "8:kill-in-save", "8:kill-in-save=1" },
  };
  g_autoptr (SngInterrupt) interrupt = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts) + G_N_ELEMENTS (others); i++)
    {
      gboolean is_plain = i < G_N_ELEMENTS (texts);
      const char *text = is_plain ? texts[i] : others[i - G_N_ELEMENTS (texts)].text;
      g_autoptr (GError) error = NULL;
      g_autoptr (SngInterrupt) parsed = sng_interrupt_from_string (text, &error);
      g_autofree char *again = NULL;

      g_assert_no_error (error);
      again = sng_interrupt_to_string (parsed);
      g_assert_cmpstr (again, ==, is_plain ? text : others[i - G_N_ELEMENTS (texts)].plain);
    }

  interrupt = sng_interrupt_from_string ("7:preempt=usr2@backward.1", NULL);
  g_assert_cmpuint (sng_interrupt_get_step (interrupt), ==, 7);
  g_assert_cmpint (sng_interrupt_get_kind (interrupt), ==, SNG_INTERRUPT_PREEMPT);
  g_assert_cmpint (sng_interrupt_get_phase (interrupt), ==, SNG_PHASE_BACKWARD);
  g_assert_cmpuint (sng_interrupt_get_index (interrupt), ==, 1);
  g_assert_cmpint (sng_interrupt_get_signal (interrupt), ==, SIGUSR2);
  g_clear_object (&interrupt);

  interrupt = sng_interrupt_new (SNG_INTERRUPT_KILL_IN_SAVE, 3);
  g_assert_cmpint (sng_interrupt_get_phase (interrupt), ==, SNG_PHASE_SAVE);
  g_assert_cmpuint (sng_interrupt_get_operation (interrupt), ==, 1);
}

static void
test_bad_text (void)
{
  static const struct
  {
    const char *text;
    const char *what;
  } texts[] = {
    { "", "the step is \"\", not a number" },
    { "seven", "the step is \"seven\"" },
    { "-1", "the step is \"-1\"" },
    { "7 ", "the step is \"7 \"" },
    { "7:kil", "no kind \"kil\", there are raise, preempt, kill, kill-in-save" },
    { "7:", "no kind \"\"" },
    { "7@", "no phase \"\"" },
    { "7@loss",
      "no phase \"loss\", there are step-start, forward, backward, optimizer, scheduler, step-finished" },
    { "7:kill=9", "kill takes no \"=9\"" },
    { "7:raise=", "raise takes no \"=\"" },
    { "7:preempt=sigfoo", "no signal \"sigfoo\"" },
    { "7:preempt=0", "no signal \"0\"" },
    { "7:preempt=65", "no signal \"65\"" },
    { "7:kill-in-save=0", "the operation is \"0\", not a number from 1" },
    { "7:kill-in-save@save", "takes no \"@save\"" },
    { "7@save.0", "the operation is \"0\"" },
    { "7@optimizer.1", "optimizer has no micro-batches and takes no \".1\"" },
    { "7@forward.x", "the micro-batch is \"x\"" },
    { "7@forward.4294967296", "the micro-batch is \"4294967296\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *start = g_strdup_printf ("[interrupt] \"%s\": ", texts[i].text);

      g_assert_null (sng_interrupt_from_string (texts[i].text, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      if (!g_str_has_prefix (error->message, start) || strstr (error->message, texts[i].what) == NULL)
        g_error ("\"%s\": %s", texts[i].text, error->message);
    }
}

int
main (int argc, char **argv)
{
  if (argc == 5 && g_str_equal (argv[1], "--train"))
    return (int) train (argv[2], argv[3], argv[4]);
  program = argv[0];

  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/interrupt/kinds-and-phases", test_kinds_and_phases);
  g_test_add_func ("/sng/interrupt/without-checkpoint", test_without_checkpoint);
  g_test_add_func ("/sng/interrupt/kill-in-save", test_kill_in_save);
  g_test_add_func ("/sng/interrupt/several", test_several);
  g_test_add_func ("/sng/interrupt/random-plans", test_random_plans);
  g_test_add_func ("/sng/interrupt/first", test_first);
  g_test_add_func ("/sng/interrupt/never", test_never);
  g_test_add_func ("/sng/interrupt/nowhere", test_nowhere);
  g_test_add_func ("/sng/interrupt/text", test_text);
  g_test_add_func ("/sng/interrupt/bad-text", test_bad_text);

  return g_test_run ();
}
