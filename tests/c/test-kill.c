/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A real, if very small, training that is killed again and again, at moments that nobody has chosen: whatever the kill
 * hits, the processes after it end with the same bits as one that was never killed. */

#include <sng.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tiny-model.h"

/* Trainings that are killed side by side, and how often each is at least. */
#define N_KILLERS 10
#define N_KILLS 20

#define N_STEPS 60
#define VAL_CHECK_INTERVAL 3
#define MICRO_BATCH 2
#define PLAN_SEED 2026

/* How long a process may live follows what it gets done, so that neither a loaded machine nor a sanitizer changes how often
 * the training is killed: less after one that got to a checkpoint, more after one that did not. */
#define FIRST_LIFE 20000u /* microseconds */
#define SHORTEST_LIFE 1000u
#define SHRINK 0.9
#define GROW 1.3

/* What a training is in the middle of. */
typedef enum
{
  PLACE_START,
  PLACE_RESTORE,
  PLACE_STEP,
  PLACE_VALIDATION,
  PLACE_SAVE,
  PLACE_BETWEEN,
  N_PLACES
} Place;

static const char *const place_names[N_PLACES] = {
  "at its start", "in a restore", "in a step", "in a validation", "in a save", "between steps",
};

/* What a training tells about itself; it is in a file, so a kill does not take it along. */
typedef struct
{
  int place;
  guint64 restored_step;
  char fingerprint[64]; /* of the whole state at the end */
} Diary;

/* ---- The training ---- */

static Diary *
open_diary (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "diary", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  Diary *diary;

  g_assert_cmpint (fd, >=, 0);
  g_assert_no_errno (ftruncate (fd, sizeof *diary));
  diary = mmap (NULL, sizeof *diary, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (diary != MAP_FAILED);
  close (fd);

  return diary;
}

static void
enter (Diary *diary, Place place)
{
  g_atomic_int_set (&diary->place, (int) place);
}

static void
step_start_cb (SngTrainer *trainer, Diary *diary)
{
  enter (diary, PLACE_STEP);
}

/* What comes next is a validation, which says so itself, or the save of the step. */
static void
step_end_cb (SngTrainer *trainer, Diary *diary)
{
  enter (diary, PLACE_SAVE);
}

static void
validation_start_cb (SngTrainer *trainer, Diary *diary)
{
  enter (diary, PLACE_VALIDATION);
}

/* A saved step is durable, but what it takes the place of is removed after it. */
static void
step_finished_cb (SngTrainer *trainer, Diary *diary)
{
  enter (diary, PLACE_BETWEEN);
}

static void
attach (SngTrainer *trainer)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 1, 16, 2);
  g_autoptr (SngDataModule) data = sng_fasta_data_module_new (NULL, 32);
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (1e-2, 1e-4, 3, N_STEPS);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;

  g_object_set (config, "max-length", 32, "max-batch-size", MICRO_BATCH, "hidden-dropout", 0.1, NULL);
  model = sng_transformer_new (config, device, &error);
  g_assert_no_error (error);
  parameters = sng_model_get_parameters (model, &error);
  g_assert_no_error (error);
  optimizer = sng_adamw_new (parameters, 1e-2, 0.01);
  sng_trainer_attach (trainer, model, data, optimizer, scheduler, &error);
  g_assert_no_error (error);
}

/* With all that remembers something: a loss scale that moves, an average, a patience, the best two checkpoints. */
static SngTrainer *
create_trainer (const char *directory, gboolean in_background, Diary *diary)
{
  g_autofree char *checkpoints = g_build_filename (directory, "checkpoints", NULL);
  g_autoptr (SngModelCheckpoint) plan = g_object_new (
      SNG_TYPE_MODEL_CHECKPOINT, "directory", checkpoints, "every-n-train-steps", G_GUINT64_CONSTANT (1),
      "monitor", "valid_loss", "save-top-k", 2, "save-in-background", in_background, NULL);
  g_autoptr (SngGradScaler) scaler = g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", 256.0,
                                                   "growth-interval", G_GUINT64_CONSTANT (2), NULL);
  g_autoptr (SngExponentialMovingAverage) average =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);
  g_autoptr (SngEarlyStopping) early_stopping =
      g_object_new (SNG_TYPE_EARLY_STOPPING, "patience", 100, "min-delta", 1e6, NULL);
  SngTrainer *trainer = g_object_new (
      SNG_TYPE_TRAINER, "model-checkpoint", plan, "precision", SNG_PRECISION_16_MIXED, "grad-scaler", scaler,
      "exponential-moving-average", average, "early-stopping", early_stopping, "micro-batch-size",
      MICRO_BATCH, "accumulate-grad-batches", 2, "max-steps", (guint64) N_STEPS, "val-check-interval",
      (guint64) VAL_CHECK_INTERVAL, "limit-val-batches", (guint64) 1, "seed", (guint64) 7, NULL);

  attach (trainer);
  g_signal_connect (trainer, "step-start", G_CALLBACK (step_start_cb), diary);
  g_signal_connect (trainer, "step-end", G_CALLBACK (step_end_cb), diary);
  g_signal_connect (trainer, "validation-start", G_CALLBACK (validation_start_cb), diary);
  g_signal_connect (trainer, "validation-end", G_CALLBACK (step_end_cb), diary);
  g_signal_connect (trainer, "step-finished", G_CALLBACK (step_finished_cb), diary);

  return trainer;
}

/* The sampler stays as it was built. */
static void
forget_sampler (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  SngStateful *sampler = sng_state_registry_lookup (sng_trainer_get_state_registry (trainer), "sampler");
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) state = sng_stateful_get_state (sampler, &error);
  g_autoptr (SngStateDict) copy = NULL;

  g_assert_no_error (error);
  copy = sng_state_dict_copy (state, &error);
  g_assert_no_error (error);
  sng_checkpoint_set_state (checkpoint, "sampler", copy);
}

/* From the newest checkpoint that verifies, or from the start where there is none yet. */
static void
restore (SngTrainer *trainer, Diary *diary, gboolean forgets)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, &error);

  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_FOUND))
    return;
  g_assert_no_error (error);

  if (forgets)
    forget_sampler (trainer, checkpoint);
  sng_trainer_restore (trainer, checkpoint, &error);
  g_assert_no_error (error);
  diary->restored_step = sng_trainer_get_global_step (trainer);
}

static void
write_fingerprint (SngTrainer *trainer, Diary *diary)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), N_STEPS, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
  text = sng_fingerprint_to_string (fingerprint);
  g_assert_cmpuint (g_strlcpy (diary->fingerprint, text, sizeof diary->fingerprint), <,
                    sizeof diary->fingerprint);
}

/* The child: says on its standard output that it is there, and trains to the end if it may. */
static int
train (const char *directory, gboolean forgets, gboolean in_background)
{
  Diary *diary = open_diary (directory);
  g_autoptr (SngTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  memset (diary, 0, sizeof *diary);
  trainer = create_trainer (directory, in_background, diary);

  enter (diary, PLACE_RESTORE);
  g_assert_cmpint (write (STDOUT_FILENO, "!", 1), ==, 1);
  restore (trainer, diary, forgets);

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
  write_fingerprint (trainer, diary);

  return 0;
}

/* ---- The one that kills it ---- */

typedef struct
{
  char *directory;
  Diary *diary;
  gboolean forgets;
  gboolean in_background;
  GRand *plan;
  guint longest; /* microseconds that a process lives at most */
  guint n_kills;
  guint n_trainings;
  guint n_places[N_PLACES];
} Killer;

/* Returns: whether the training got to its end before it was killed, after @delay microseconds. */
static gboolean
run_child (Killer *killer, gint64 delay)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, "--train", killer->directory,
      killer->forgets ? "forgetful" : "faithful", killer->in_background ? "background" : "waits", NULL);
  char said;

  g_assert_no_error (error);
  g_assert_cmpint (g_input_stream_read (g_subprocess_get_stdout_pipe (child), &said, 1, NULL, &error), ==, 1);

  if (delay >= 0)
    {
      g_usleep ((gulong) delay);
      g_subprocess_send_signal (child, SIGKILL);
    }

  g_subprocess_wait (child, NULL, &error);
  g_assert_no_error (error);

  if (g_subprocess_get_if_exited (child))
    {
      g_assert_cmpint (g_subprocess_get_exit_status (child), ==, 0);
      return TRUE;
    }

  g_assert_cmpint (g_subprocess_get_term_sig (child), ==, SIGKILL);
  killer->n_kills++;
  killer->n_places[g_atomic_int_get (&killer->diary->place)]++;

  return FALSE;
}

static Killer *
killer_new (guint32 number, gboolean forgets)
{
  Killer *killer = g_new0 (Killer, 1);

  killer->directory = g_dir_make_tmp ("sng-kill-XXXXXX", NULL);
  g_assert_nonnull (killer->directory);
  killer->diary = open_diary (killer->directory);
  killer->forgets = forgets;
  killer->in_background = number % 2;
  killer->plan = g_rand_new_with_seed (PLAN_SEED + number);
  killer->longest = FIRST_LIFE;

  return killer;
}

static void
killer_free (Killer *killer)
{
  munmap (killer->diary, sizeof *killer->diary);
  tiny_remove_directory (killer->directory);
  g_assert_false (g_file_test (killer->directory, G_FILE_TEST_EXISTS));
  g_free (killer->directory);
  g_rand_free (killer->plan);
  g_free (killer);
}

static void
remove_checkpoints (Killer *killer)
{
  g_autofree char *path = g_build_filename (killer->directory, "checkpoints", NULL);

  tiny_remove_directory (path);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* What there is in the end, hidden files too. */
static char **
list_checkpoints (Killer *killer)
{
  g_autofree char *path = g_build_filename (killer->directory, "checkpoints", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* The training without a kill. Returns: the fingerprint of its end. */
static char *
train_whole (Killer *killer, char ***checkpoints)
{
  g_assert_true (run_child (killer, -1));
  *checkpoints = list_checkpoints (killer);
  remove_checkpoints (killer);

  return g_strdup (killer->diary->fingerprint);
}

static void
adapt (Killer *killer, gboolean moved)
{
  killer->longest = MAX ((guint) (killer->longest * (moved ? SHRINK : GROW)), SHORTEST_LIFE);
}

/* A training that is killed until it has come to its end. Returns: from which step its last process went on. */
static guint64
train_through_kills (Killer *killer)
{
  guint64 step = 0;

  while (!run_child (killer, g_rand_int_range (killer->plan, 0, (gint32) killer->longest)))
    {
      adapt (killer, killer->diary->restored_step > step);
      step = MAX (step, killer->diary->restored_step);
    }

  adapt (killer, TRUE);
  killer->n_trainings++;

  return killer->diary->restored_step;
}

/* All that is to be there is. What a kill has kept from being removed is there as well, and hidden things are, until the next
 * save. */
static void
check_checkpoints (Killer *killer, char **expected, gboolean saved)
{
  g_auto (GStrv) names = list_checkpoints (killer);

  for (guint i = 0; expected[i] != NULL; i++)
    g_assert_true (g_strv_contains ((const char *const *) names, expected[i]));

  if (saved)
    g_assert_cmpstrv (names, expected);
}

static gpointer
killer_thread (gpointer data)
{
  Killer *killer = data;
  g_auto (GStrv) checkpoints = NULL;
  g_autofree char *expected = train_whole (killer, &checkpoints);

  while (killer->n_kills < N_KILLS)
    {
      guint64 restored_step = train_through_kills (killer);

      g_assert_cmpstr (killer->diary->fingerprint, ==, expected);
      check_checkpoints (killer, checkpoints, restored_step < N_STEPS);
      remove_checkpoints (killer);
    }

  return NULL;
}

static void
print_places (guint n_kills, guint n_trainings, const guint *n_places)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%u kills in %u trainings:", n_kills, n_trainings);
  for (guint i = 0; i < N_PLACES; i++)
    g_string_append_printf (text, "%s %u %s", i > 0 ? "," : "", n_places[i], place_names[i]);
  g_test_message ("%s", text->str);
}

static void
check_no_process_left (void)
{
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
}

static void
test_random_moments (void)
{
  Killer *killers[N_KILLERS];
  GThread *threads[N_KILLERS];
  guint n_kills = 0, n_trainings = 0, n_places[N_PLACES] = { 0 };

  for (guint32 i = 0; i < N_KILLERS; i++)
    {
      killers[i] = killer_new (i, FALSE);
      threads[i] = g_thread_new ("killer", killer_thread, killers[i]);
    }

  for (guint i = 0; i < N_KILLERS; i++)
    {
      g_thread_join (threads[i]);
      n_kills += killers[i]->n_kills;
      n_trainings += killers[i]->n_trainings;
      for (guint j = 0; j < N_PLACES; j++)
        n_places[j] += killers[i]->n_places[j];
      killer_free (killers[i]);
    }

  g_assert_cmpuint (n_kills, >=, N_KILLERS * N_KILLS);
  print_places (n_kills, n_trainings, n_places);
  g_assert_cmpuint (n_places[PLACE_STEP], >, 0);
  g_assert_cmpuint (n_places[PLACE_SAVE], >, 0);
  check_no_process_left ();
}

/* The same check finds a process that forgets where the data were. */
static void
test_forgetful (void)
{
  Killer *killer = killer_new (0, TRUE);
  g_auto (GStrv) checkpoints = NULL;
  g_autofree char *expected = train_whole (killer, &checkpoints);

  while (train_through_kills (killer) % N_STEPS == 0)
    remove_checkpoints (killer);

  g_assert_cmpstr (killer->diary->fingerprint, !=, "");
  g_assert_cmpstr (killer->diary->fingerprint, !=, expected);
  killer_free (killer);
}

int
main (int argc, char *argv[])
{
  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  if (argc == 5 && g_str_equal (argv[1], "--train"))
    return train (argv[2], g_str_equal (argv[3], "forgetful"), g_str_equal (argv[4], "background"));

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/kill/random-moments", test_random_moments);
  g_test_add_func ("/sng/kill/forgetful", test_forgetful);

  return g_test_run ();
}
