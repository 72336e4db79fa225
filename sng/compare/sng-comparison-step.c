/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The entries that CONTINUOUS recorded at one step. */

#include "compare/sng-comparison-private.h"

#include "record/sng-metadata-private.h"

static guint
hash_key (gconstpointer data)
{
  const SngMetadata *entry = data;
  guint hash = g_str_hash (entry->metric) * 31 + g_str_hash (entry->path);

  return (hash * 31 + (guint) entry->micro_batch) * 31 + entry->rank * 2 + (guint) entry->stage;
}

static gboolean
equal_key (gconstpointer a, gconstpointer b)
{
  const SngMetadata *first = a, *second = b;

  return first->stage == second->stage && first->micro_batch == second->micro_batch
         && first->rank == second->rank && g_str_equal (first->path, second->path)
         && g_str_equal (first->metric, second->metric);
}

static guint
hash_kind (gconstpointer data)
{
  const SngMetadata *entry = data;

  return g_str_hash (entry->metric) * 31 + (guint) entry->stage;
}

static gboolean
equal_kind (gconstpointer a, gconstpointer b)
{
  const SngMetadata *first = a, *second = b;

  return first->stage == second->stage && g_str_equal (first->metric, second->metric);
}

void
sng_compared_step_init (SngComparedStep *self, GPtrArray *entries)
{
  g_autofree guint *last = g_new (guint, entries->len + 1);

  self->entries = entries;
  self->heads = g_hash_table_new (hash_key, equal_key);
  self->next = g_new (guint, entries->len + 1);
  self->is_optional = g_new0 (gboolean, entries->len + 1);
  self->is_covered = g_new0 (gboolean, entries->len + 1);
  self->cursors = g_new (guint, entries->len + 1);

  for (guint i = 0; i < entries->len; i++)
    {
      gpointer head;

      self->next[i] = SNG_COMPARED_STEP_NONE;
      if (g_hash_table_lookup_extended (self->heads, entries->pdata[i], NULL, &head))
        {
          self->next[last[GPOINTER_TO_UINT (head)]] = i;
          last[GPOINTER_TO_UINT (head)] = i;
        }
      else
        {
          g_hash_table_insert (self->heads, entries->pdata[i], GUINT_TO_POINTER (i));
          last[i] = i;
        }
    }
}

void
sng_compared_step_clear (SngComparedStep *self)
{
  g_clear_pointer (&self->heads, g_hash_table_unref);
  g_clear_pointer (&self->next, g_free);
  g_clear_pointer (&self->is_optional, g_free);
  g_clear_pointer (&self->is_covered, g_free);
  g_clear_pointer (&self->cursors, g_free);
}

/* Of a metric that a segment records right after its restore, which is a state, everything has to be there. The others
 * belong to the end of a step that the segment has not done. */
void
sng_compared_step_expect_states (SngComparedStep *self, GPtrArray *segments)
{
  g_autoptr (GHashTable) kinds = g_hash_table_new (hash_kind, equal_kind);

  for (guint i = 0; i < segments->len; i++)
    {
      SngComparedRun *run = segments->pdata[i];

      for (guint k = 0; k < run->entries->len; k++)
        g_hash_table_add (kinds, run->entries->pdata[k]);
    }

  for (guint i = 0; i < self->entries->len; i++)
    self->is_optional[i] = !g_hash_table_contains (kinds, self->entries->pdata[i]);
}

void
sng_compared_step_uncover (SngComparedStep *self)
{
  for (guint i = 0; i < self->entries->len; i++)
    self->is_covered[i] = FALSE;
}

void
sng_compared_step_begin_run (SngComparedStep *self)
{
  for (guint i = 0; i < self->entries->len; i++)
    self->cursors[i] = i;
}

guint
sng_compared_step_take (SngComparedStep *self, SngMetadata *entry)
{
  gpointer head;
  guint position;

  if (!g_hash_table_lookup_extended (self->heads, entry, NULL, &head))
    return SNG_COMPARED_STEP_NONE;

  position = self->cursors[GPOINTER_TO_UINT (head)];
  if (position != SNG_COMPARED_STEP_NONE)
    {
      self->cursors[GPOINTER_TO_UINT (head)] = self->next[position];
      self->is_covered[position] = TRUE;
    }

  return position;
}
