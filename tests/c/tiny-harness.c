/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tiny-harness.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tiny-model.h"

struct _TinyHarness
{
  SngHarness parent_instance;
};

G_DEFINE_FINAL_TYPE (TinyHarness, tiny_harness, SNG_TYPE_HARNESS)

static gboolean
is_named (gpointer harness, const char *name)
{
  g_autofree char *exp_name = NULL;

  g_object_get (harness, "exp-name", &exp_name, NULL);

  return g_str_equal (exp_name, name);
}

void
damage_checkpoint (SngTrainer *trainer, SngCheckpoint *checkpoint, const char *prefix)
{
  SngStateRegistry *registry = sng_trainer_get_state_registry (trainer);
  g_auto (GStrv) names = sng_state_registry_dup_names (registry);
  guint n_damaged = 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngStateDict) state = NULL;
      g_autoptr (SngStateDict) copy = NULL;

      if (!g_str_has_prefix (names[i], prefix))
        continue;

      state = sng_stateful_get_state (sng_state_registry_lookup (registry, names[i]), &error);
      g_assert_no_error (error);
      copy = sng_state_dict_copy (state, &error);
      g_assert_no_error (error);
      sng_checkpoint_set_state (checkpoint, names[i], copy);
      n_damaged++;
    }

  g_assert_cmpuint (n_damaged, >, 0);
}

static gboolean
tiny_harness_setup (SngHarness *harness, GError **error)
{
  return !is_named (harness, "fail-setup");
}

static gboolean
tiny_harness_teardown (SngHarness *harness, GError **error)
{
  /* Nothing that has not been set up is torn down. */
  g_assert_false (is_named (harness, "fail-setup"));

  return !is_named (harness, "fail-teardown");
}

static SngSetup *
tiny_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (TinyModel) model = NULL;
  g_autoptr (TinyData) data = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngLrScheduler) scheduler = NULL;

  if (is_named (harness, "fail-setup_model"))
    return NULL;

  if (is_named (harness, "crash"))
    {
      g_print ("last words\n");
      raise (SIGKILL);
    }

  if (is_named (harness, "exit"))
    exit (7);

  model = tiny_model_new (7, 0.25);
  data = tiny_data_new (TRUE);
  optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.05, 0.01);
  if (!is_named (harness, "no-scheduler"))
    scheduler = sng_cosine_lr_new (0.05, 0.001, 3, 20);

  if (is_named (harness, "drift") && mode == SNG_MODE_REPEAT)
    model->poison = 1e-9;
  if (is_named (harness, "noise") || is_named (harness, "noise-and-fault"))
    model->poison = mode == SNG_MODE_REPEAT ? 1e-9 : mode == SNG_MODE_RESUME ? 3e-9 : 0.0;
  if (is_named (harness, "noise-and-fault") && mode == SNG_MODE_RESUME)
    model->poison = 1e-4;

  return sng_setup_new (SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, scheduler);
}

static void
wait_cb (SngTrainer *trainer, gpointer user_data)
{
  g_usleep (G_USEC_PER_SEC / 10);
}

static void
kill_cb (SngTrainer *trainer, GError *error, gpointer user_data)
{
  raise (SIGKILL);
}

/* Its parent hears of its death at once, but cannot wait for it while it is traced. Where nothing may be traced, it is
 * killed and no more. */
static void
kill_traced_cb (SngTrainer *trainer, GError *error, gpointer user_data)
{
  pid_t pid = getpid ();
  siginfo_t info;
  int fds[2];
  char end;

  g_assert_cmpint (pipe (fds), ==, 0);
  prctl (PR_SET_PTRACER, PR_SET_PTRACER_ANY);

  if (fork () == 0)
    {
      if (ptrace (PTRACE_SEIZE, pid, NULL, NULL) < 0)
        _exit (1);
      close (fds[0]);
      close (fds[1]);
      waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT);
      g_usleep (G_USEC_PER_SEC / 4);
      _exit (0);
    }

  close (fds[1]);
  while (read (fds[0], &end, 1) < 0 && errno == EINTR)
    continue;
  raise (SIGKILL);
}

static void
preempt_cb (SngTrainer *trainer, gpointer user_data)
{
  if (sng_trainer_get_global_step (trainer) == 2)
    raise (SIGTERM);
}

static void
preempt_soon (SngTrainer *trainer)
{
  g_autoptr (SngPreemption) preemption = sng_preemption_new ();

  sng_preemption_attach (preemption, trainer);
  g_signal_connect (trainer, "step-start", G_CALLBACK (preempt_cb), NULL);
}

static void
keep_best_only (SngHarness *harness, SngMode mode, SngTrainer *trainer)
{
  g_autofree char *directory = sng_harness_dup_mode_directory (harness, mode);
  g_autofree char *path = g_build_filename (directory, "checkpoints", NULL);
  g_autoptr (SngModelCheckpoint) checkpoint = g_object_new (
      SNG_TYPE_MODEL_CHECKPOINT, "directory", path, "every-n-train-steps", (guint64) 1, "monitor",
      "valid_loss", "save-top-k", 1, "save-in-background", is_named (harness, "background"), NULL);

  g_object_set (trainer, "model-checkpoint", checkpoint, NULL);
}

static void
stop_early (SngTrainer *trainer)
{
  g_autoptr (SngEarlyStopping) early_stopping =
      g_object_new (SNG_TYPE_EARLY_STOPPING, "patience", 1, "min-delta", 1e9, NULL);

  g_object_set (trainer, "early-stopping", early_stopping, NULL);
}

/* What else listens to the training, or has a say in it. */
static void
equip (SngHarness *harness, SngMode mode, SngTrainer *trainer)
{
  if (is_named (harness, "slow"))
    g_signal_connect (trainer, "step-start", G_CALLBACK (wait_cb), NULL);
  if (is_named (harness, "early-stop"))
    stop_early (trainer);
  if (is_named (harness, "top-k") || is_named (harness, "background"))
    keep_best_only (harness, mode, trainer);
  if (is_named (harness, "killed") && mode == SNG_MODE_STOP)
    g_signal_connect (trainer, "interrupted", G_CALLBACK (kill_cb), NULL);
  if (is_named (harness, "traced") && mode == SNG_MODE_STOP)
    g_signal_connect (trainer, "interrupted", G_CALLBACK (kill_traced_cb), NULL);
  if (is_named (harness, "preempted") && mode == SNG_MODE_STOP)
    preempt_soon (trainer);
}

static SngTrainer *
tiny_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngTrainer *trainer;

  if (is_named (harness, "fail-setup_trainer"))
    return NULL;

  if (is_named (harness, "bare-trainer") || is_named (harness, "short"))
    {
      guint64 max_steps = is_named (harness, "short") ? 9 : 10;

      return g_object_new (SNG_TYPE_TRAINER, "max-steps", max_steps, NULL);
    }

  trainer = SNG_HARNESS_CLASS (tiny_harness_parent_class)->setup_trainer (harness, mode, error);
  if (trainer != NULL)
    equip (harness, mode, trainer);

  return trainer;
}

static GListModel *
tiny_harness_get_default_callbacks (SngHarness *harness, GError **error)
{
  GListModel *callbacks;

  if (is_named (harness, "fail-get_default_callbacks"))
    return NULL;

  if (is_named (harness, "bad-list"))
    {
      g_autoptr (TinyModel) model = tiny_model_new (7, 0.0);

      callbacks = G_LIST_MODEL (g_list_store_new (G_TYPE_OBJECT));
      g_list_store_append (G_LIST_STORE (callbacks), model);
      return callbacks;
    }

  callbacks = SNG_HARNESS_CLASS (tiny_harness_parent_class)->get_default_callbacks (harness, error);
  if (is_named (harness, "same-metric"))
    {
      g_autoptr (SngCallback) second = g_object_new (SNG_TYPE_TRAIN_LOSS_CALLBACK, NULL);

      g_list_store_append (G_LIST_STORE (callbacks), second);
    }

  return callbacks;
}

static gboolean
tiny_harness_restore (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  g_autofree char *exp_name = NULL;

  if (is_named (harness, "fail-restore"))
    return FALSE;

  g_object_get (harness, "exp-name", &exp_name, NULL);
  if (g_str_has_prefix (exp_name, "lose-"))
    damage_checkpoint (trainer, checkpoint, exp_name + strlen ("lose-"));

  return SNG_HARNESS_CLASS (tiny_harness_parent_class)->restore (harness, trainer, checkpoint, error);
}

static void
tiny_harness_class_init (TinyHarnessClass *klass)
{
  SngHarnessClass *harness_class = SNG_HARNESS_CLASS (klass);

  harness_class->setup = tiny_harness_setup;
  harness_class->teardown = tiny_harness_teardown;
  harness_class->setup_model = tiny_harness_setup_model;
  harness_class->setup_trainer = tiny_harness_setup_trainer;
  harness_class->get_default_callbacks = tiny_harness_get_default_callbacks;
  harness_class->restore = tiny_harness_restore;
}

static void
tiny_harness_init (TinyHarness *self)
{
  g_object_set (self, "stop-step", 7, "seed", (guint64) 7, NULL);
}

SngHarness *
tiny_harness_new (const char *exp_name)
{
  return g_object_new (TINY_TYPE_HARNESS, "exp-name", exp_name, NULL);
}
