/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-dict-private.h"

#include "sng-error.h"
#include "state/sng-shard-private.h"

/**
 * SngStateDict:
 *
 * An ordered dictionary of named tensors and values.
 *
 * It is the one currency of libsng: the state that a
 * [iface@Sng.Stateful] hands out and takes back, a batch on its way into a
 * model, and what comes out of it. Names are non-empty UTF-8; an entry is
 * either a [class@Sng.Tensor] or a [struct@GLib.Variant] of any type. Entries keep
 * the order in which their names were first set, and are found by name in
 * constant time.
 *
 * ```c
 * g_autoptr (SngStateDict) state = sng_state_dict_new ();
 *
 * sng_state_dict_set_tensor (state, "weight", weight);
 * sng_state_dict_set_int64 (state, "step", 7);
 * sng_state_dict_set_double (state, "learning-rate", 1e-4);
 * ```
 *
 * The dictionary references its tensors and does not copy them, so one that is
 * made of live memory changes with it: use [method@Sng.StateDict.copy] to keep
 * it, or [method@Sng.StateDict.compute_fingerprint] to remember what it was.
 *
 * A dictionary belongs to one thread at a time.
 *
 * Since: 1.0
 */

struct _SngStateDict
{
  GObject parent_instance;

  GPtrArray *entries; /* owns them, in order of insertion */
  GHashTable *index;  /* name -> entry, both borrowed */
};

G_DEFINE_FINAL_TYPE (SngStateDict, sng_state_dict, G_TYPE_OBJECT)

static void
entry_clear (SngStateEntry *entry)
{
  g_clear_object (&entry->tensor);
  g_clear_pointer (&entry->shard, sng_shard_unref);
  g_clear_pointer (&entry->value, g_variant_unref);
}

static void
entry_free (gpointer data)
{
  SngStateEntry *entry = data;

  entry_clear (entry);
  g_free (entry->name);
  g_free (entry);
}

char *
sng_state_entry_describe (const SngStateEntry *entry)
{
  g_autofree char *tensor = NULL;
  g_autofree char *shard = NULL;

  if (entry->tensor == NULL)
    return g_strdup_printf ("a value of type '%s'", g_variant_get_type_string (entry->value));

  tensor = sng_tensor_describe (entry->tensor);
  if (entry->shard == NULL)
    return g_steal_pointer (&tensor);

  shard = sng_shard_describe (entry->shard);

  return g_strdup_printf ("%s, the part %s", tensor, shard);
}

const SngStateEntry *
sng_state_dict_get_entry (SngStateDict *self, guint position)
{
  return position < self->entries->len ? self->entries->pdata[position] : NULL;
}

const SngStateEntry *
sng_state_dict_lookup_entry (SngStateDict *self, const char *name)
{
  return g_hash_table_lookup (self->index, name);
}

/* The entry of this name, made where there is none. */
static SngStateEntry *
ensure_entry (SngStateDict *self, const char *name)
{
  SngStateEntry *entry = g_hash_table_lookup (self->index, name);

  if (entry == NULL)
    {
      entry = g_new0 (SngStateEntry, 1);
      entry->name = g_strdup (name);
      g_ptr_array_add (self->entries, entry);
      g_hash_table_insert (self->index, entry->name, entry);
    }

  return entry;
}

static void
sng_state_dict_finalize (GObject *object)
{
  SngStateDict *self = SNG_STATE_DICT (object);

  g_hash_table_unref (self->index);
  g_ptr_array_unref (self->entries);

  G_OBJECT_CLASS (sng_state_dict_parent_class)->finalize (object);
}

static void
sng_state_dict_class_init (SngStateDictClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_state_dict_finalize;
}

static void
sng_state_dict_init (SngStateDict *self)
{
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->index = g_hash_table_new (g_str_hash, g_str_equal);
}

/**
 * sng_state_dict_new:
 *
 * Makes an empty dictionary.
 *
 * Returns: (transfer full): the dictionary
 *
 * Since: 1.0
 */
SngStateDict *
sng_state_dict_new (void)
{
  return g_object_new (SNG_TYPE_STATE_DICT, NULL);
}

/**
 * sng_state_dict_set_tensor:
 * @self: a dictionary
 * @name: a name, non-empty UTF-8
 * @tensor: (transfer none): the tensor; referenced, not copied
 *
 * Sets an entry to a tensor.
 *
 * A name that is there already keeps its position, whatever it named before.
 *
 * Since: 1.0
 */
void
sng_state_dict_set_tensor (SngStateDict *self, const char *name, SngTensor *tensor)
{
  g_autoptr (SngTensor) held = NULL;
  SngStateEntry *entry;

  g_return_if_fail (SNG_IS_STATE_DICT (self));
  g_return_if_fail (name != NULL && name[0] != '\0' && g_utf8_validate (name, -1, NULL));
  g_return_if_fail (SNG_IS_TENSOR (tensor));

  held = g_object_ref (tensor);
  entry = ensure_entry (self, name);
  entry_clear (entry);
  entry->tensor = g_steal_pointer (&held);
}

/**
 * sng_state_dict_set_value:
 * @self: a dictionary
 * @name: a name, non-empty UTF-8
 * @value: (transfer none): the value, of any type; a floating one is sunk
 *
 * Sets an entry to a value.
 *
 * A name that is there already keeps its position, whatever it named before.
 *
 * Since: 1.0
 */
void
sng_state_dict_set_value (SngStateDict *self, const char *name, GVariant *value)
{
  g_autoptr (GVariant) held = NULL;
  SngStateEntry *entry;

  g_return_if_fail (SNG_IS_STATE_DICT (self));
  g_return_if_fail (name != NULL && name[0] != '\0' && g_utf8_validate (name, -1, NULL));
  g_return_if_fail (value != NULL);

  held = g_variant_ref_sink (value);
  entry = ensure_entry (self, name);
  entry_clear (entry);
  entry->value = g_steal_pointer (&held);
}

/**
 * sng_state_dict_set_int64:
 * @self: a dictionary
 * @name: a name, non-empty UTF-8
 * @value: the number
 *
 * Sets an entry to a value of type `x`.
 *
 * Since: 1.0
 */
void
sng_state_dict_set_int64 (SngStateDict *self, const char *name, gint64 value)
{
  sng_state_dict_set_value (self, name, g_variant_new_int64 (value));
}

/**
 * sng_state_dict_set_double:
 * @self: a dictionary
 * @name: a name, non-empty UTF-8
 * @value: the number; every bit of it is kept
 *
 * Sets an entry to a value of type `d`.
 *
 * Since: 1.0
 */
void
sng_state_dict_set_double (SngStateDict *self, const char *name, double value)
{
  sng_state_dict_set_value (self, name, g_variant_new_double (value));
}

/**
 * sng_state_dict_lookup_tensor:
 * @self: a dictionary
 * @name: a name
 *
 * Looks a tensor up.
 *
 * Returns: (transfer none) (nullable): the tensor, or %NULL where the name is
 *   not there or names a value
 *
 * Since: 1.0
 */
SngTensor *
sng_state_dict_lookup_tensor (SngStateDict *self, const char *name)
{
  SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  entry = g_hash_table_lookup (self->index, name);

  return entry != NULL ? entry->tensor : NULL;
}

/**
 * sng_state_dict_lookup_value:
 * @self: a dictionary
 * @name: a name
 *
 * Looks a value up.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL where the name is
 *   not there or names a tensor
 *
 * Since: 1.0
 */
GVariant *
sng_state_dict_lookup_value (SngStateDict *self, const char *name)
{
  SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  entry = g_hash_table_lookup (self->index, name);

  return entry != NULL ? entry->value : NULL;
}

static SngStateEntry *
get_entry (SngStateDict *self, const char *name, GError **error)
{
  SngStateEntry *entry = g_hash_table_lookup (self->index, name);

  if (entry == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[state][get] there is no entry '%s'", name);

  return entry;
}

static void
set_wrong_kind (GError **error, const SngStateEntry *entry, const char *wanted)
{
  g_autofree char *is = sng_state_entry_describe (entry);

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "[state][get] '%s' is %s, not %s", entry->name, is,
               wanted);
}

/**
 * sng_state_dict_get_tensor:
 * @self: a dictionary
 * @name: a name
 * @error: return location for an error
 *
 * Gets a tensor that must be there.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where the name is not there and with
 * %SNG_ERROR_MISMATCH where it names a value.
 *
 * Returns: (transfer none): the tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_state_dict_get_tensor (SngStateDict *self, const char *name, GError **error)
{
  SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  if ((entry = get_entry (self, name, error)) == NULL)
    return NULL;
  if (entry->tensor == NULL)
    set_wrong_kind (error, entry, "a tensor");

  return entry->tensor;
}

/* Any integer type that the value may have, since dynamic languages choose one for it. */
static gboolean
value_to_int64 (GVariant *value, gint64 *number)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      *number = g_variant_get_byte (value);
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      *number = g_variant_get_int16 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT16:
      *number = g_variant_get_uint16 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT32:
      *number = g_variant_get_int32 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      *number = g_variant_get_uint32 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT64:
      *number = g_variant_get_int64 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      if (g_variant_get_uint64 (value) > G_MAXINT64)
        return FALSE;
      *number = (gint64) g_variant_get_uint64 (value);
      return TRUE;
    default:
      return FALSE;
    }
}

/**
 * sng_state_dict_get_int64:
 * @self: a dictionary
 * @name: a name
 * @value: (out) (optional): return location for the number
 * @error: return location for an error
 *
 * Gets an integer that must be there.
 *
 * Every integer type of [struct@GLib.Variant] is taken (`y n q i u x t`), as
 * long as the number fits; a floating-point number is not.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where the name is not there and with
 * %SNG_ERROR_MISMATCH where it names something else. @value is then left alone.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_get_int64 (SngStateDict *self, const char *name, gint64 *value, GError **error)
{
  SngStateEntry *entry;
  gint64 number;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if ((entry = get_entry (self, name, error)) == NULL)
    return FALSE;
  if (entry->value == NULL || !value_to_int64 (entry->value, &number))
    {
      set_wrong_kind (error, entry, "an integer that fits into 64 bits");
      return FALSE;
    }

  if (value != NULL)
    *value = number;

  return TRUE;
}

/**
 * sng_state_dict_get_double:
 * @self: a dictionary
 * @name: a name
 * @value: (out) (optional): return location for the number
 * @error: return location for an error
 *
 * Gets a number that must be there.
 *
 * An integer of any type is taken as well, as long as a double holds it
 * exactly.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where the name is not there and with
 * %SNG_ERROR_MISMATCH where it names something else. @value is then left alone.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_get_double (SngStateDict *self, const char *name, double *value, GError **error)
{
  const gint64 exact = G_GINT64_CONSTANT (1) << 53;
  SngStateEntry *entry;
  double number;
  gint64 integer;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if ((entry = get_entry (self, name, error)) == NULL)
    return FALSE;

  if (entry->value != NULL && g_variant_is_of_type (entry->value, G_VARIANT_TYPE_DOUBLE))
    number = g_variant_get_double (entry->value);
  else if (entry->value != NULL && value_to_int64 (entry->value, &integer) && integer >= -exact
           && integer <= exact)
    number = (double) integer;
  else
    {
      set_wrong_kind (error, entry, "a number that a double holds exactly");
      return FALSE;
    }

  if (value != NULL)
    *value = number;

  return TRUE;
}

/**
 * sng_state_dict_contains:
 * @self: a dictionary
 * @name: a name
 *
 * Says whether there is an entry of this name, tensor or value.
 *
 * Returns: %TRUE where there is
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_contains (SngStateDict *self, const char *name)
{
  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return g_hash_table_lookup (self->index, name) != NULL;
}

/**
 * sng_state_dict_remove:
 * @self: a dictionary
 * @name: a name
 *
 * Removes an entry. Those after it move up by one.
 *
 * Returns: %TRUE where there was such an entry
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_remove (SngStateDict *self, const char *name)
{
  SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if ((entry = g_hash_table_lookup (self->index, name)) == NULL)
    return FALSE;

  g_hash_table_remove (self->index, entry->name);
  g_ptr_array_remove (self->entries, entry);

  return TRUE;
}

/**
 * sng_state_dict_get_n_items:
 * @self: a dictionary
 *
 * Counts the entries.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
sng_state_dict_get_n_items (SngStateDict *self)
{
  g_return_val_if_fail (SNG_IS_STATE_DICT (self), 0);

  return self->entries->len;
}

/**
 * sng_state_dict_dup_names:
 * @self: a dictionary
 *
 * Gets all names, in order of insertion.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
sng_state_dict_dup_names (SngStateDict *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);

  for (guint i = 0; i < self->entries->len; i++)
    g_strv_builder_add (names, ((SngStateEntry *) self->entries->pdata[i])->name);

  return g_strv_builder_end (names);
}

/**
 * sng_state_dict_get_name:
 * @self: a dictionary
 * @position: a position in order of insertion, from 0
 *
 * Gets the name of the entry at a position.
 *
 * Returns: (transfer none) (nullable): the name, or %NULL past the end; valid until the entry is removed
 *
 * Since: 1.0
 */
const char *
sng_state_dict_get_name (SngStateDict *self, guint position)
{
  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);

  return position < self->entries->len ? ((SngStateEntry *) self->entries->pdata[position])->name : NULL;
}
