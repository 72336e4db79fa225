/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "crash-tree.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const char *name; /* interned */
  guint node;
} Entry;

typedef struct
{
  gboolean is_directory;
  GArray *entries; /* of Entry */
  GBytes *before;  /* of a file that was there; or NULL */
  guint64 digest;  /* of that */
  GByteArray *contents;
} Node;

struct _CrashTree
{
  GPtrArray *nodes;
};

static void
node_free (gpointer data)
{
  Node *node = data;

  g_clear_pointer (&node->entries, g_array_unref);
  g_clear_pointer (&node->before, g_bytes_unref);
  g_clear_pointer (&node->contents, g_byte_array_unref);
  g_free (node);
}

static CrashTree *
crash_tree_new (void)
{
  CrashTree *self = g_new0 (CrashTree, 1);

  self->nodes = g_ptr_array_new_with_free_func (node_free);

  return self;
}

void
crash_tree_free (CrashTree *self)
{
  g_ptr_array_unref (self->nodes);
  g_free (self);
}

guint
crash_tree_add (CrashTree *self, gboolean is_directory)
{
  Node *node = g_new0 (Node, 1);

  node->is_directory = is_directory;
  if (is_directory)
    node->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  else
    node->contents = g_byte_array_new ();
  g_ptr_array_add (self->nodes, node);

  return self->nodes->len - 1;
}

static Node *
get_node (CrashTree *self, guint node)
{
  return self->nodes->pdata[node];
}

CrashTree *
crash_tree_copy (CrashTree *self, CrashTree *larger)
{
  CrashTree *copy = crash_tree_new ();

  for (guint i = 0; i < larger->nodes->len; i++)
    {
      Node *node = get_node (copy, crash_tree_add (copy, get_node (larger, i)->is_directory));
      Node *old = i < self->nodes->len ? get_node (self, i) : NULL;

      if (old == NULL)
        continue;
      if (node->is_directory)
        g_array_append_vals (node->entries, old->entries->data, old->entries->len);
      else
        {
          node->before = g_bytes_ref (old->before);
          node->digest = old->digest;
        }
    }

  return copy;
}

static Entry *
find_entry (CrashTree *self, guint directory, const char *name)
{
  GArray *entries = get_node (self, directory)->entries;

  g_assert_nonnull (entries);
  for (guint i = 0; i < entries->len; i++)
    if (g_array_index (entries, Entry, i).name == name)
      return &g_array_index (entries, Entry, i);

  return NULL;
}

static void
add_entry (CrashTree *self, guint directory, const char *name, guint node)
{
  Entry entry = { name, node };

  g_array_append_val (get_node (self, directory)->entries, entry);
}

static void
remove_entry (CrashTree *self, guint directory, const char *name)
{
  GArray *entries = get_node (self, directory)->entries;

  for (guint i = 0; i < entries->len; i++)
    if (g_array_index (entries, Entry, i).name == name)
      g_array_remove_index_fast (entries, i--);
}

/* The finalizer of SplitMix64: https://prng.di.unimi.it/splitmix64.c */
static guint64
mix (guint64 hash, guint64 value)
{
  hash = 31 * hash + value + G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  hash = (hash ^ hash >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);

  return hash ^ hash >> 31;
}

static guint64
digest_bytes (gconstpointer data, gsize length)
{
  guint64 hash = length;

  for (gsize i = 0; i < length; i += sizeof (guint64))
    {
      guint64 word = 0;

      memcpy (&word, (const guint8 *) data + i, MIN (sizeof word, length - i));
      hash = (hash ^ word) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
      hash ^= hash >> 32;
    }

  return mix (1, hash);
}

static guint
read_tree (CrashTree *self, const char *path)
{
  gboolean is_directory = g_file_test (path, G_FILE_TEST_IS_DIR);
  guint number = crash_tree_add (self, is_directory);
  g_autoptr (GDir) directory = is_directory ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;
  char *contents;
  gsize length;

  if (!is_directory)
    {
      g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
      get_node (self, number)->digest = digest_bytes (contents, length);
      get_node (self, number)->before = g_bytes_new_take (contents, length);
    }
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      add_entry (self, number, g_intern_string (name), read_tree (self, child));
    }

  return number;
}

static gconstpointer
get_contents (const Node *node, gsize *length)
{
  if (node->before != NULL)
    return g_bytes_get_data (node->before, length);

  *length = node->contents->len;

  return node->contents->data;
}

static guint64
digest_node (CrashTree *self, guint number)
{
  const Node *node = get_node (self, number);
  guint64 sum = 2;
  gconstpointer data;
  gsize length;

  if (node->before != NULL)
    return node->digest;
  if (!node->is_directory)
    {
      data = get_contents (node, &length);
      return digest_bytes (data, length);
    }

  /* In no order. */
  for (guint i = 0; i < node->entries->len; i++)
    {
      const Entry *entry = &g_array_index (node->entries, Entry, i);

      const char *random = strstr (entry->name, ".tmp-");
      gsize length_of_name = random != NULL ? (gsize) (random - entry->name) : strlen (entry->name);

      sum += mix (digest_bytes (entry->name, length_of_name), digest_node (self, entry->node));
    }

  return mix (3, sum);
}

guint64
crash_tree_digest (CrashTree *self)
{
  return digest_node (self, 0);
}

static void
write_node (CrashTree *self, guint number, const char *path)
{
  const Node *node = get_node (self, number);
  gconstpointer data;
  gsize length;
  int fd;

  if (!node->is_directory)
    {
      data = get_contents (node, &length);
      fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      g_assert_cmpint (fd, >=, 0);
      g_assert_cmpint (length > 0 ? write (fd, data, length) : 0, ==, (gssize) length);
      close (fd);
      return;
    }

  g_assert_cmpint (g_mkdir (path, 0777), ==, 0);
  for (guint i = 0; i < node->entries->len; i++)
    {
      const Entry *entry = &g_array_index (node->entries, Entry, i);
      g_autofree char *child = g_build_filename (path, entry->name, NULL);

      write_node (self, entry->node, child);
    }
}

void
crash_tree_write (CrashTree *self, const char *path)
{
  write_node (self, 0, path);
}

static gboolean
is_empty (CrashTree *self, guint node)
{
  return get_node (self, node)->entries->len == 0;
}

/* Whether the name leads to this. */
static gboolean
leads_to (CrashTree *self, guint directory, const char *name, guint node)
{
  const Entry *entry = find_entry (self, directory, name);

  return entry != NULL && entry->node == node;
}

/* A file takes the place of a file, a directory that of an empty one. */
static void
apply_rename (CrashTree *self, const CrashOp *op)
{
  const Entry *target = find_entry (self, op->directory, op->other);
  gboolean is_directory = get_node (self, op->node)->is_directory;

  if (!leads_to (self, op->directory, op->name, op->node))
    return;
  if (target != NULL
      && (get_node (self, target->node)->is_directory != is_directory
          || (is_directory && !is_empty (self, target->node))))
    return;

  remove_entry (self, op->directory, op->other);
  find_entry (self, op->directory, op->name)->name = op->other;
}

static void
apply_names (CrashTree *self, const CrashOp *op)
{
  gboolean is_there = leads_to (self, op->directory, op->name, op->node);

  switch (op->verb)
    {
    case SNG_STORAGE_CREATE:
    case SNG_STORAGE_MAKE_DIRECTORY:
    case SNG_STORAGE_LINK:
      if (find_entry (self, op->directory, op->name) == NULL)
        add_entry (self, op->directory, op->name, op->node);
      break;
    case SNG_STORAGE_RENAME:
      apply_rename (self, op);
      break;
    case SNG_STORAGE_EXCHANGE:
      if (is_there && leads_to (self, op->directory, op->other, op->other_node))
        {
          find_entry (self, op->directory, op->name)->node = op->other_node;
          find_entry (self, op->directory, op->other)->node = op->node;
        }
      break;
    case SNG_STORAGE_REMOVE:
    case SNG_STORAGE_REMOVE_DIRECTORY:
      /* What was in a directory whose name is gone is gone with it, synced or not. */
      if (is_there)
        remove_entry (self, op->directory, op->name);
      break;
    default:
      break;
    }
}

/* Bytes at a place, behind zeros where nothing is before it. */
static void
put (Node *node, gsize offset, const guint8 *data, gsize length)
{
  gsize size = node->contents->len;

  if (offset + length > size)
    {
      g_byte_array_set_size (node->contents, (guint) (offset + length));
      memset (node->contents->data + size, 0, offset + length - size);
    }
  if (data != NULL && length > 0)
    memcpy (node->contents->data + offset, data, length);
}

static void
apply_write (CrashTree *self, const CrashOp *op, CrashFate fate)
{
  Node *node = get_node (self, op->node);
  gsize length;
  const guint8 *data = g_bytes_get_data (op->bytes, &length);

  g_assert_null (node->before);
  if (fate.kind == CRASH_KEPT)
    put (node, op->offset, data, length);
  if (fate.kind == CRASH_ZEROS || fate.kind == CRASH_PREFIX_ZEROS)
    put (node, op->offset, NULL, length);
  if (fate.kind == CRASH_PREFIX || fate.kind == CRASH_PREFIX_ZEROS)
    put (node, op->offset, data, fate.cut);
  if (fate.kind == CRASH_SUFFIX)
    put (node, op->offset + fate.cut, data + fate.cut, length - fate.cut);
}

void
crash_tree_apply (CrashTree *self, const CrashOp *op, CrashFate fate)
{
  if (fate.kind == CRASH_LOST || op->is_return)
    return;
  if (op->verb == SNG_STORAGE_WRITE)
    apply_write (self, op, fate);
  else
    apply_names (self, op);
}

CrashTree *
crash_tree_read (const char *path)
{
  CrashTree *self = crash_tree_new ();

  read_tree (self, path);

  return self;
}

guint
crash_tree_find (CrashTree *self, guint directory, const char *name)
{
  const Entry *entry = find_entry (self, directory, name);

  g_assert_nonnull (entry);

  return entry->node;
}

gsize
crash_tree_get_size (CrashTree *self, guint file)
{
  gsize length;

  get_contents (get_node (self, file), &length);

  return length;
}
