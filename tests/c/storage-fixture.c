/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* strchrnul () */

#include "storage-fixture.h"

#include <errno.h>
#include <string.h>

static void
call_free (gpointer data)
{
  TestCall *call = data;

  g_free (call->path);
  g_free (call->other);
  g_clear_pointer (&call->bytes, g_bytes_unref);
  g_free (call);
}

static void
note (TestDisk *self, const SngStorageCall *call, gint64 result)
{
  TestCall *noted = g_new0 (TestCall, 1);

  noted->verb = call->verb;
  noted->path = g_strdup (call->path);
  noted->other = g_strdup (call->other);
  if (call->verb == SNG_STORAGE_WRITE)
    noted->bytes = g_bytes_new (call->data, (gsize) result);
  g_ptr_array_add (self->calls, noted);
}

static gboolean
is_sync (const SngStorageCall *call)
{
  return call->verb == SNG_STORAGE_SYNC || call->verb == SNG_STORAGE_SYNC_DIRECTORY;
}

static gboolean
takes_room (const SngStorageCall *call)
{
  return call->verb == SNG_STORAGE_CREATE || call->verb == SNG_STORAGE_WRITE
         || call->verb == SNG_STORAGE_MAKE_DIRECTORY;
}

/* What a call that is to fail results in. Whatever a close says, the descriptor is gone. */
static gint64
fail (TestDisk *self, const SngStorageCall *call)
{
  SngStorageCall shorter = *call;

  if (self->failure == 0)
    {
      if (call->verb == SNG_STORAGE_WRITE)
        shorter.n_bytes = (call->n_bytes + 1) / 2;
      return sng_storage_perform (self->storage.next, &shorter);
    }
  if (call->verb == SNG_STORAGE_CLOSE)
    sng_storage_perform (self->storage.next, call);

  return -self->failure;
}

static gint64
perform (TestDisk *self, const SngStorageCall *call)
{
  self->n_calls++;
  self->n_syncs += is_sync (call);

  if (call->verb == SNG_STORAGE_EXCHANGE && !self->can_exchange)
    return -EINVAL;
  if (self->calls_to_failure >= 0 && self->calls_to_failure-- == 0)
    return fail (self, call);
  if (self->is_full && self->calls_to_failure < 0 && takes_room (call))
    return -self->failure;

  return is_sync (call) && !self->waits ? 0 : sng_storage_perform (self->storage.next, call);
}

static gint64
disk_perform (SngStorage *storage, const SngStorageCall *call)
{
  TestDisk *self = (TestDisk *) storage;
  gint64 result = perform (self, call);

  if (result >= 0 && self->is_noting)
    note (self, call, result);

  if (result == 0 && self->n_brought_back > 0 && call->verb == SNG_STORAGE_RENAME
      && g_str_has_suffix (call->other, ".old"))
    {
      SngStorageCall undo = { .verb = SNG_STORAGE_RENAME, .path = call->other, .other = call->path };

      self->n_brought_back--;
      g_assert_cmpint (sng_storage_perform (storage->next, &undo), ==, 0);
    }

  return result;
}

void
test_disk_init (TestDisk *self, SngStorage **top)
{
  *self = (TestDisk){ .storage = { disk_perform, NULL },
                      .top = top,
                      .calls = g_ptr_array_new_with_free_func (call_free),
                      .calls_to_failure = -1,
                      .failure = EIO,
                      .can_exchange = TRUE };
  sng_storage_push (top, &self->storage);
}

void
test_disk_clear (TestDisk *self)
{
  sng_storage_remove (self->top, &self->storage);
  g_clear_pointer (&self->calls, g_ptr_array_unref);
}

char *
test_disk_describe (TestDisk *self, const char *directory)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < self->calls->len; i++)
    {
      const TestCall *call = self->calls->pdata[i];
      const char *name = call->other != NULL && call->verb == SNG_STORAGE_LINK ? call->other : call->path;
      const char *random;

      name = g_str_has_prefix (name, directory) ? name + strlen (directory) : "?";
      random = strstr (name, ".tmp-");
      g_string_append_printf (text, "%s %.*s%s\n", sng_storage_verb_name (call->verb),
                              random != NULL ? (int) (random + strlen (".tmp-") - name) : (int) strlen (name),
                              name, random != NULL ? strchrnul (random, '/') : "");
    }

  return g_string_free (text, FALSE);
}

guint
test_count_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (directory);
  while (g_dir_read_name (directory) != NULL)
    n++;

  return n;
}
