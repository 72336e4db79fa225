/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "crash-fixture.h"

#include <string.h>

#define BLOCK 512         /* a disk writes so much at once */
#define PAGE 4096         /* of memory */
#define EVERY 4           /* blocks */
#define ALL_SUBSETS 6     /* of so many changes */
#define RANDOM_SUBSETS 32 /* at a crash */
#define SEED 20240607

static void
op_free (gpointer data)
{
  CrashOp *op = data;

  g_clear_pointer (&op->bytes, g_bytes_unref);
  g_free (op);
}

CrashRecord *
crash_record_new (const char *directory)
{
  CrashRecord *self = g_new0 (CrashRecord, 1);

  self->directory = g_strdup (directory);
  self->before = crash_tree_read (directory);
  self->now = crash_tree_copy (self->before, self->before);
  self->ops = g_ptr_array_new_with_free_func (op_free);

  return self;
}

void
crash_record_free (CrashRecord *self)
{
  crash_tree_free (self->before);
  crash_tree_free (self->now);
  g_ptr_array_unref (self->ops);
  g_free (self->directory);
  g_free (self);
}

/* The directory that a path is in, and the name in that; the directory on top has no name. */
static guint
resolve (CrashRecord *self, const char *path, const char **name)
{
  g_auto (GStrv) parts = NULL;
  guint directory = 0;

  g_assert_true (g_str_has_prefix (path, self->directory));
  path += strlen (self->directory);
  *name = NULL;
  if (*path == '\0')
    return 0;

  g_assert_cmpint (*path, ==, '/');
  parts = g_strsplit (path + 1, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (*name != NULL)
        directory = crash_tree_find (self->now, directory, *name);
      *name = g_intern_string (parts[i]);
    }

  return directory;
}

/* What a path leads to. */
static guint
resolve_whole (CrashRecord *self, const char *path)
{
  const char *name;
  guint directory = resolve (self, path, &name);

  return name != NULL ? crash_tree_find (self->now, directory, name) : 0;
}

static void
take_call (CrashRecord *self, const TestCall *call)
{
  CrashOp *op;

  if (call->verb == SNG_STORAGE_CLOSE)
    return;

  op = g_new0 (CrashOp, 1);
  op->verb = call->verb;
  op->directory = resolve (self, call->path, &op->name);
  if (call->verb == SNG_STORAGE_CREATE || call->verb == SNG_STORAGE_MAKE_DIRECTORY)
    op->node = crash_tree_add (self->now, call->verb == SNG_STORAGE_MAKE_DIRECTORY);
  else
    op->node = resolve_whole (self, call->path);
  if (call->verb == SNG_STORAGE_SYNC_DIRECTORY)
    op->directory = op->node;
  if (call->verb == SNG_STORAGE_LINK)
    op->directory = resolve (self, call->other, &op->name);
  else if (call->other != NULL)
    g_assert_cmpuint (resolve (self, call->other, &op->other), ==, op->directory);
  if (call->verb == SNG_STORAGE_EXCHANGE)
    op->other_node = resolve_whole (self, call->other);
  if (call->verb == SNG_STORAGE_WRITE)
    {
      op->bytes = g_bytes_ref (call->bytes);
      op->offset = crash_tree_get_size (self->now, op->node);
    }

  crash_tree_apply (self->now, op, (CrashFate){ CRASH_KEPT, 0 });
  g_ptr_array_add (self->ops, op);
}

void
crash_record_take (CrashRecord *self, TestDisk *disk)
{
  for (guint i = 0; i < disk->calls->len; i++)
    take_call (self, disk->calls->pdata[i]);
  g_ptr_array_set_size (disk->calls, 0);
}

void
crash_record_return (CrashRecord *self)
{
  CrashOp *op = g_new0 (CrashOp, 1);

  op->is_return = TRUE;
  g_ptr_array_add (self->ops, op);
}

gboolean
crash_op_is_sync (const CrashOp *op)
{
  return !op->is_return && (op->verb == SNG_STORAGE_SYNC || op->verb == SNG_STORAGE_SYNC_DIRECTORY);
}

char *
crash_op_describe (const CrashOp *op)
{
  if (op->is_return)
    return g_strdup ("return");

  return g_strdup_printf ("%s %s%s%s", sng_storage_verb_name (op->verb), op->name != NULL ? op->name : "/",
                          op->other != NULL ? " " : "", op->other != NULL ? op->other : "");
}

typedef struct
{
  CrashRecord *record;
  GPtrArray *ops;
  guint n_ops; /* before the crash */
  guint n_returned;
  GArray *pending; /* guint: the ops that may be lost */
  CrashFate *fates;
  GRand *random;
  CrashFunc func;
  gpointer data;
} Crash;

static gboolean
is_durable (Crash *self, guint i)
{
  const CrashOp *op = self->ops->pdata[i];

  for (guint k = i + 1; k < self->n_ops; k++)
    {
      const CrashOp *sync = self->ops->pdata[k];

      if (crash_op_is_sync (sync)
          && (op->verb == SNG_STORAGE_WRITE
                  ? sync->verb == SNG_STORAGE_SYNC && sync->node == op->node
                  : sync->verb == SNG_STORAGE_SYNC_DIRECTORY && sync->directory == op->directory))
        return TRUE;
    }

  return FALSE;
}

static void
find_pending (Crash *self)
{
  g_array_set_size (self->pending, 0);
  self->n_returned = 0;
  for (guint i = 0; i < self->n_ops; i++)
    {
      const CrashOp *op = self->ops->pdata[i];

      self->n_returned += op->is_return;
      if (!op->is_return && !crash_op_is_sync (op) && !is_durable (self, i))
        g_array_append_val (self->pending, i);
    }
}

static CrashFate *
pending_fate (Crash *self, guint i)
{
  return &self->fates[g_array_index (self->pending, guint, i)];
}

static void
set_all (Crash *self, CrashKind kind)
{
  for (guint i = 0; i < self->pending->len; i++)
    *pending_fate (self, i) = (CrashFate){ kind, 0 };
}

static gboolean
emit (Crash *self)
{
  CrashTree *tree = crash_tree_copy (self->record->before, self->record->now);
  gboolean go_on;

  for (guint i = 0; i < self->n_ops; i++)
    crash_tree_apply (tree, self->ops->pdata[i], self->fates[i]);
  go_on = self->func (tree, self->n_returned, self->data);
  crash_tree_free (tree);

  return go_on;
}

/* All, none, each alone, all but each. */
static gboolean
emit_simple (Crash *self)
{
  static const CrashKind kinds[] = { CRASH_KEPT, CRASH_LOST };

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      set_all (self, kinds[k]);
      if (!emit (self))
        return FALSE;
      for (guint i = 0; i < self->pending->len; i++)
        {
          pending_fate (self, i)->kind = kinds[!k];
          if (!emit (self))
            return FALSE;
          pending_fate (self, i)->kind = kinds[k];
        }
    }

  return TRUE;
}

/* Some part of a write that is not all of it. */
static CrashFate
random_part (Crash *self, const CrashOp *op)
{
  gint32 n_cuts = (gint32) ((g_bytes_get_size (op->bytes) + BLOCK - 1) / BLOCK);
  CrashFate fate = { (CrashKind) g_rand_int_range (self->random, CRASH_ZEROS, CRASH_SUFFIX + 1), 0 };

  if (n_cuts < 2)
    fate.kind = CRASH_ZEROS;
  if (fate.kind != CRASH_ZEROS)
    fate.cut = BLOCK * (gsize) g_rand_int_range (self->random, 1, n_cuts);

  return fate;
}

/* Where there are few changes, each choice of them. */
static gboolean
emit_subsets (Crash *self)
{
  guint n = self->pending->len;

  for (guint k = 0; n <= ALL_SUBSETS && k < 1u << n; k++)
    {
      for (guint i = 0; i < n; i++)
        *pending_fate (self, i) = (CrashFate){ k >> i & 1 ? CRASH_KEPT : CRASH_LOST, 0 };
      if (!emit (self))
        return FALSE;
    }

  return TRUE;
}

static gboolean
emit_random (Crash *self)
{
  for (guint k = 0; k < RANDOM_SUBSETS && self->pending->len > 0; k++)
    {
      for (guint i = 0; i < self->pending->len; i++)
        {
          const CrashOp *op = self->ops->pdata[g_array_index (self->pending, guint, i)];
          CrashFate fate = { g_rand_boolean (self->random) ? CRASH_KEPT : CRASH_LOST, 0 };

          if (op->verb == SNG_STORAGE_WRITE && g_rand_boolean (self->random))
            fate = random_part (self, op);
          *pending_fate (self, i) = fate;
        }
      if (!emit (self))
        return FALSE;
    }

  return TRUE;
}

/* Alone, with all else, and with some of it. */
static gboolean
emit_part (Crash *self, guint i, CrashFate part)
{
  for (guint k = 0; k < 3; k++)
    {
      set_all (self, k == 0 ? CRASH_LOST : CRASH_KEPT);
      for (guint j = 0; k == 2 && j < self->pending->len; j++)
        pending_fate (self, j)->kind = g_rand_boolean (self->random) ? CRASH_KEPT : CRASH_LOST;
      *pending_fate (self, i) = part;
      if (!emit (self))
        return FALSE;
    }

  return TRUE;
}

/* Each write in each part. Where it was not just made, some cuts are left to the crashes before and after this one. */
static gboolean
emit_parts (Crash *self)
{
  for (guint i = 0; i < self->pending->len && !self->record->is_coarse; i++)
    {
      guint number = g_array_index (self->pending, guint, i);
      const CrashOp *op = self->ops->pdata[number];

      if (op->verb != SNG_STORAGE_WRITE)
        continue;
      if (!emit_part (self, i, (CrashFate){ CRASH_ZEROS, 0 }))
        return FALSE;
      for (gsize cut = BLOCK; cut < g_bytes_get_size (op->bytes); cut += BLOCK)
        {
          if (number + 1 < self->n_ops && cut % PAGE != 0 && (cut / BLOCK + self->n_ops) % EVERY != 0)
            continue;
          for (CrashKind kind = CRASH_PREFIX; kind <= CRASH_SUFFIX; kind++)
            if (!emit_part (self, i, (CrashFate){ kind, cut }))
              return FALSE;
        }
    }

  return TRUE;
}

gboolean
crash_enumerate (CrashRecord *self, GPtrArray *ops, guint from, CrashFunc func, gpointer data)
{
  g_autofree CrashFate *fates = g_new0 (CrashFate, ops->len + 1);
  g_autoptr (GArray) pending = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GRand) random = g_rand_new_with_seed (SEED + from);
  Crash crash = { .record = self,
                  .ops = ops,
                  .pending = pending,
                  .fates = fates,
                  .random = random,
                  .func = func,
                  .data = data };

  for (crash.n_ops = from; crash.n_ops <= ops->len; crash.n_ops++)
    {
      memset (fates, 0, sizeof *fates * ops->len);
      find_pending (&crash);
      if (!emit_simple (&crash) || !emit_subsets (&crash) || !emit_random (&crash) || !emit_parts (&crash))
        return FALSE;
    }

  return TRUE;
}
