/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Trainings to which signals are sent, by themselves and by others. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/sng-checkpoint-store-private.h"
#include "tiny-model.h"

#define MAX_STEPS 6
#define N_CHILDREN 12

static const char *program;
static char *directory;
static volatile sig_atomic_t n_own;

static void
own_handler (int signal_number)
{
  n_own++;
}

static SngTrainer *
create_trainer (guint64 max_steps, guint64 every_n_steps)
{
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (directory, every_n_steps);
  SngTrainer *trainer = g_object_new (SNG_TYPE_TRAINER, "model-checkpoint", plan, "micro-batch-size", 2,
                                      "accumulate-grad-batches", 2, "max-steps", max_steps,
                                      "val-check-interval", (guint64) 2, NULL);

  tiny_trainer_attach (trainer);

  return trainer;
}

static char *
describe (SngCheckpoint *checkpoint)
{
  g_autoptr (SngFingerprint) fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  return sng_fingerprint_to_string (fingerprint);
}

/* What a training that nobody bothers is at that step, and what the directory has instead. */
static void
assert_saved (guint64 step)
{
  g_autoptr (SngTrainer) trainer = create_trainer (step, 0);
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) saved = sng_checkpoint_store_load_latest (store, NULL, &error);
  g_autoptr (SngCheckpoint) expected = NULL;
  g_autofree char *saved_text = NULL;
  g_autofree char *expected_text = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (saved), ==, step);

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
  expected = sng_state_registry_capture (sng_trainer_get_state_registry (trainer), step, &error);
  g_assert_no_error (error);

  saved_text = describe (saved);
  expected_text = describe (expected);
  g_assert_cmpstr (saved_text, ==, expected_text);
}

typedef struct
{
  SngStorage storage;
  int signals[3];        /* 0: no more */
  guint64 step;          /* at work */
  const char *operation; /* of a save, or NULL: right after the backward pass */
  gboolean sent;
} Sender;

static void
send_signals (Sender *sender)
{
  for (guint i = 0; i < G_N_ELEMENTS (sender->signals) && sender->signals[i] != 0; i++)
    g_assert_cmpint (raise (sender->signals[i]), ==, 0);
  sender->sent = TRUE;
}

static void
phase_end_cb (SngTrainer *trainer, SngPhase phase, guint micro_batch, Sender *sender)
{
  if (sender->operation == NULL && phase == SNG_PHASE_BACKWARD && micro_batch == 0
      && sng_trainer_get_global_step (trainer) + 1 == sender->step)
    send_signals (sender);
}

static gint64
sender_perform (SngStorage *storage, const SngStorageCall *call)
{
  Sender *sender = (Sender *) storage;

  if (!sender->sent && g_strcmp0 (sng_storage_verb_name (call->verb), sender->operation) == 0)
    send_signals (sender);

  return sng_storage_perform (storage->next, call);
}

/* In the midst of a step, and within a save: one signal, two in a row, two of the same. */
static void
test_signals (void)
{
  const struct
  {
    Sender sender;
    guint64 every_n_steps;
    guint64 last_step;
    int received;
  } cases[] = {
    { { { sender_perform, NULL }, { SIGTERM }, 3, NULL }, 0, 3, SIGTERM },
    { { { sender_perform, NULL }, { SIGUSR1 }, 4, NULL }, 1, 4, SIGUSR1 },
    { { { sender_perform, NULL }, { SIGUSR2, SIGUSR2 }, 3, NULL }, 2, 3, SIGUSR2 },
    { { { sender_perform, NULL }, { SIGTERM, SIGUSR1, SIGUSR1 }, 3, NULL }, 0, 3, SIGUSR1 },
    { { { sender_perform, NULL }, { SIGTERM }, 0, "write" }, 2, 2, SIGTERM },
    { { { sender_perform, NULL }, { SIGUSR1, SIGTERM, SIGTERM }, 0, "rename" }, 2, 2, SIGUSR1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Sender sender = cases[i].sender;
      g_autoptr (SngTrainer) trainer = create_trainer (MAX_STEPS, cases[i].every_n_steps);
      g_autoptr (SngPreemption) preemption = sng_preemption_new ();
      SngStorage **top = sng_checkpoint_store_get_storage (sng_trainer_get_checkpoint_store (trainer));
      g_autoptr (GError) error = NULL;

      sng_preemption_attach (preemption, trainer);
      g_signal_connect (trainer, "phase-end", G_CALLBACK (phase_end_cb), &sender);
      sng_storage_push (top, &sender.storage);
      g_assert_false (sng_trainer_fit (trainer, &error));
      sng_storage_remove (top, &sender.storage);

      g_assert_error (error, SNG_ERROR, SNG_ERROR_PREEMPTED);
      g_assert_true (sender.sent);
      g_assert_nonnull (strstr (error->message, cases[i].received == SIGTERM ? "SIGTERM" : "SIGUSR"));
      g_assert_cmpint (sng_preemption_get_received (preemption), ==, cases[i].received);
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, cases[i].last_step);
      assert_saved (cases[i].last_step);

      /* From where it is the training goes on, in the same process too. */
      g_clear_error (&error);
      g_assert_true (sng_trainer_fit (trainer, &error));
      g_assert_cmpint (sng_preemption_get_received (preemption), ==, 0);
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, MAX_STEPS);
      tiny_remove_directory (directory);
    }
}

/* Nothing is left to be ended. */
static void
test_last_step (void)
{
  g_autoptr (SngTrainer) trainer = create_trainer (MAX_STEPS, 0);
  g_autoptr (SngPreemption) preemption = sng_preemption_new ();
  Sender sender = { .signals = { SIGTERM }, .step = MAX_STEPS };
  g_autoptr (GError) error = NULL;

  sng_preemption_attach (preemption, trainer);
  g_signal_connect (trainer, "phase-end", G_CALLBACK (phase_end_cb), &sender);
  g_assert_true (sng_trainer_fit (trainer, &error));
  g_assert_no_error (error);
  g_assert_true (sender.sent);
  g_assert_cmpint (sng_preemption_get_received (preemption), ==, SIGTERM);
  tiny_remove_directory (directory);
}

static void
raise_cb (SngTrainer *trainer, SngPhase phase, guint micro_batch, int *signal_number)
{
  raise (*signal_number);
}

/* Whether the program's own handler hears of the signal. */
static gboolean
is_own (int signal_number)
{
  int before = n_own;

  raise (signal_number);

  return n_own == before + 1;
}

/* The program's own handlers are there before and afterwards but not meanwhile, those of other signals always. */
static void
test_handlers (void)
{
  const struct sigaction own = { .sa_handler = own_handler };
  int used[] = { SIGTERM, SIGINT, SIGHUP };
  struct sigaction saved[G_N_ELEMENTS (used)];

  for (guint i = 0; i < G_N_ELEMENTS (used); i++)
    sigaction (used[i], &own, &saved[i]);

  for (guint i = 0; i < G_N_ELEMENTS (used); i++)
    {
      g_autoptr (SngTrainer) trainer = create_trainer (2, 0);
      g_autoptr (SngPreemption) preemption = sng_preemption_new ();
      gboolean handled = used[i] == SIGINT;
      int before = n_own;

      sng_preemption_set_handles (preemption, SIGINT, TRUE);
      sng_preemption_set_handles (preemption, SIGTERM, FALSE);
      g_assert_true (sng_preemption_get_handles (preemption, SIGINT));
      g_assert_false (sng_preemption_get_handles (preemption, SIGTERM));
      g_assert_true (sng_preemption_get_handles (preemption, SIGUSR1));

      sng_preemption_attach (preemption, trainer);
      g_signal_connect (trainer, "phase-end", G_CALLBACK (raise_cb), &used[i]);
      g_assert_true (sng_trainer_fit (trainer, NULL) == !handled);
      g_assert_true ((n_own == before) == handled);

      for (guint k = 0; k < G_N_ELEMENTS (used); k++)
        g_assert_true (is_own (used[k]));
      tiny_remove_directory (directory);
    }

  for (guint i = 0; i < G_N_ELEMENTS (used); i++)
    sigaction (used[i], &saved[i], NULL);
}

/* What cannot be handled, or not be saved, is said at the start, and leaves all handlers as they were. */
static void
test_refused (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SngTrainer) trainer = create_trainer (2, 0);
      g_autoptr (SngPreemption) preemption = sng_preemption_new ();
      g_autoptr (GError) error = NULL;
      struct sigaction before, after;

      if (i == 0)
        g_object_set (trainer, "model-checkpoint", NULL, NULL);
      else
        sng_preemption_set_handles (preemption, SIGKILL, TRUE);

      sigaction (SIGUSR1, NULL, &before);
      sng_preemption_attach (preemption, trainer);
      g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, i == 0 ? "no model-checkpoint" : "signal SIGKILL cannot"));
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 0);
      sigaction (SIGUSR1, NULL, &after);
      g_assert_true (before.sa_handler == after.sa_handler);
    }
}

/* Where nothing can be saved, that is the error. */
static void
test_unsaved (void)
{
  g_autoptr (SngTrainer) trainer = create_trainer (MAX_STEPS, 0);
  g_autoptr (SngPreemption) preemption = sng_preemption_new ();
  Sender sender = { .signals = { SIGTERM }, .step = 3 };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (directory, "in the way", -1, NULL));
  sng_preemption_attach (preemption, trainer);
  g_signal_connect (trainer, "phase-end", G_CALLBACK (phase_end_cb), &sender);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, directory));
  tiny_remove_directory (directory);
}

static void
fit_other_cb (SngTrainer *trainer, SngTrainer *other)
{
  g_assert_true (sng_trainer_fit (other, NULL));
}

/* A training that ends leaves the handlers to another one that goes on. */
static void
test_nested (void)
{
  g_autoptr (SngTrainer) trainer = create_trainer (MAX_STEPS, 0);
  g_autoptr (SngTrainer) other = create_trainer (1, 0);
  g_autoptr (SngPreemption) preemption = sng_preemption_new ();
  g_autoptr (SngPreemption) other_preemption = sng_preemption_new ();
  Sender sender = { .signals = { SIGTERM }, .step = 1 };
  g_autoptr (GError) error = NULL;

  sng_preemption_attach (preemption, trainer);
  sng_preemption_attach (other_preemption, other);
  g_signal_connect (trainer, "step-start", G_CALLBACK (fit_other_cb), other);
  g_signal_connect (trainer, "phase-end", G_CALLBACK (phase_end_cb), &sender);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_PREEMPTED);
  tiny_remove_directory (directory);
}

typedef struct
{
  SngTrainer *trainer;
  int *n_ready; /* how many trainings are in their first step */
} Thread;

static void
wait_for_others_cb (SngTrainer *trainer, Thread *thread)
{
  if (sng_trainer_get_global_step (trainer) > 0)
    return;

  if (g_atomic_int_add (thread->n_ready, 1) == 1)
    kill (getpid (), SIGUSR2);

  while (g_atomic_int_get (thread->n_ready) < 2)
    g_thread_yield ();
}

static gpointer
fit_thread (gpointer data)
{
  Thread *thread = data;
  GError *error = NULL;

  g_assert_false (sng_trainer_fit (thread->trainer, &error));

  return error;
}

/* One signal is meant for all trainings of the process. */
static void
test_threads (void)
{
  g_autofree char *other = g_strconcat (directory, "-other", NULL);
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (other, 0);
  int n_ready = 0;
  Thread threads[2];
  GThread *running[2];
  struct sigaction before, after;

  sigaction (SIGUSR2, NULL, &before);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SngPreemption) preemption = sng_preemption_new ();

      threads[i] = (Thread){ create_trainer (G_MAXUINT64, 0), &n_ready };
      if (i == 1)
        g_object_set (threads[i].trainer, "model-checkpoint", plan, NULL);
      sng_preemption_attach (preemption, threads[i].trainer);
      g_signal_connect (threads[i].trainer, "step-start", G_CALLBACK (wait_for_others_cb), &threads[i]);
    }

  for (guint i = 0; i < 2; i++)
    running[i] = g_thread_new ("fit", fit_thread, &threads[i]);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = g_thread_join (running[i]);

      g_assert_error (error, SNG_ERROR, SNG_ERROR_PREEMPTED);
      g_object_unref (threads[i].trainer);
    }

  sigaction (SIGUSR2, NULL, &after);
  g_assert_true (before.sa_handler == after.sa_handler);
  tiny_remove_directory (directory);
  tiny_remove_directory (other);
}

static void
say_ready_cb (SngTrainer *trainer, gpointer data)
{
  if (sng_trainer_get_global_step (trainer) == 0)
    g_print ("ready\n");
}

/* The program's other life: trains until it is told to end. */
static int
train_until_preempted (void)
{
  g_autoptr (SngTrainer) trainer = create_trainer (G_MAXUINT64, 50);
  g_autoptr (SngPreemption) preemption = sng_preemption_new ();
  g_autoptr (GError) error = NULL;

  /* The second signal may come when this is over. */
  signal (SIGUSR1, SIG_IGN);
  sng_preemption_attach (preemption, trainer);
  g_signal_connect (trainer, "step-start", G_CALLBACK (say_ready_cb), NULL);
  if (sng_trainer_fit (trainer, &error) || !g_error_matches (error, SNG_ERROR, SNG_ERROR_PREEMPTED))
    return 1;

  g_print ("%" G_GUINT64_FORMAT "\n", sng_trainer_get_global_step (trainer));

  return 0;
}

/* A training in another process, to which signals come whenever they come. */
static void
test_processes (void)
{
  char *argv[] = { (char *) program, (char *) "--train-until-preempted", directory, NULL };

  for (guint i = 0; i < N_CHILDREN; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GIOChannel) output = NULL;
      g_autofree char *line = NULL;
      int fd, status;
      GPid pid;

      g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, &fd,
                                NULL, &error);
      g_assert_no_error (error);
      output = g_io_channel_unix_new (fd);
      g_io_channel_set_close_on_unref (output, TRUE);
      g_io_channel_read_line (output, &line, NULL, NULL, NULL);
      g_assert_cmpstr (line, ==, "ready\n");

      g_usleep ((gulong) g_test_rand_int_range (0, 20000));
      kill (pid, SIGTERM);
      if (i % 2 == 1)
        kill (pid, SIGUSR1);

      g_free (g_steal_pointer (&line));
      g_io_channel_read_line (output, &line, NULL, NULL, NULL);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
      g_test_message ("ended after step %s", g_strchomp (line));
      assert_saved (g_ascii_strtoull (line, NULL, 10));
      tiny_remove_directory (directory);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *parent = NULL;
  int status;

  if (argc == 3 && g_str_equal (argv[1], "--train-until-preempted"))
    {
      directory = argv[2];
      return train_until_preempted ();
    }
  program = argv[0];

  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);
  parent = g_dir_make_tmp ("test-preemption-XXXXXX", NULL);
  directory = g_build_filename (parent, "checkpoints", NULL);

  g_test_add_func ("/sng/preemption/signals", test_signals);
  g_test_add_func ("/sng/preemption/last-step", test_last_step);
  g_test_add_func ("/sng/preemption/handlers", test_handlers);
  g_test_add_func ("/sng/preemption/refused", test_refused);
  g_test_add_func ("/sng/preemption/unsaved", test_unsaved);
  g_test_add_func ("/sng/preemption/nested", test_nested);
  g_test_add_func ("/sng/preemption/threads", test_threads);
  g_test_add_func ("/sng/preemption/processes", test_processes);

  status = g_test_run ();
  tiny_remove_directory (parent);
  g_free (directory);

  return status;
}
