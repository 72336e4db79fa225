/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Faults of any registered state: nothing is known of it but what has changed since the training began. */

#include "harness/sng-fault-private.h"

#include <string.h>

#include "state/sng-state-dict-private.h"

/* What a generic fault is to damage. */
typedef struct
{
  char *name;
  char *key; /* of one entry; NULL: all that has changed since the training began */
  SngStateDict *state;
  SngStateDict *fresh; /* nullable */
} Target;

static void
target_clear (Target *target)
{
  g_free (target->name);
  g_free (target->key);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

/* Names have slashes in them: the longest one that is registered is the state, and what is behind it the key. */
static gboolean
find_target (SngFaultContext *context, Target *target)
{
  target->name = g_strdup (sng_fault_get_target (context->fault));
  target->state = sng_checkpoint_lookup_state (context->checkpoint, target->name);

  while (target->state == NULL)
    {
      char *slash = strrchr (target->name, '/');

      if (slash == NULL)
        {
          sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "there is no state \"%s\"",
                             sng_fault_get_target (context->fault));
          return FALSE;
        }

      *slash = '\0';
      target->state = sng_checkpoint_lookup_state (context->checkpoint, target->name);
    }

  target->fresh = sng_fault_get_fresh (context, target->name);
  if (strlen (target->name) == strlen (sng_fault_get_target (context->fault)))
    return TRUE;

  target->key = g_strdup (sng_fault_get_target (context->fault) + strlen (target->name) + 1);
  if (sng_state_dict_contains (target->state, target->key))
    return TRUE;

  sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "there is no \"%s\" in the state \"%s\"", target->key,
                     target->name);

  return FALSE;
}

/* What is as it was when the training began is a setting, or is not lost. */
static gboolean
is_aimed_at (const Target *target, const char *name)
{
  if (target->key != NULL)
    return g_str_equal (target->key, name);

  return target->fresh == NULL || !sng_fault_same_entry (target->state, target->fresh, name);
}

/* Damages one entry. FALSE: it is nothing that can be damaged so. */
typedef gboolean (*DamageFunc) (SngStateDict *state, const char *name);

static gboolean
damage (SngFaultContext *context, DamageFunc damage_func, gboolean only_first)
{
  g_auto (Target) target = { NULL };
  gboolean is_aimed = FALSE;
  gboolean is_damaged = FALSE;

  if (!find_target (context, &target))
    return TRUE;

  for (guint i = 0; i < sng_state_dict_get_n_items (target.state) && !(is_damaged && only_first); i++)
    {
      const char *name = sng_state_dict_get_name (target.state, i);

      if (!is_aimed_at (&target, name))
        continue;

      is_aimed = TRUE;
      is_damaged |= damage_func (target.state, name);
    }

  if (!is_aimed)
    return sng_fault_decline (context, SNG_FAULT_NOT_PLANTED,
                              "nothing was lost: \"%s\" is as when the training began", target.name);

  return is_damaged
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "\"%s\" has nothing of that kind",
                               sng_fault_get_target (context->fault));
}

/* Puts the other state in its place, or one entry of it. A state may have come to have entries that the other lacks, and they
 * are lost as well. */
static gboolean
replace (SngFaultContext *context, const Target *target, SngStateDict *other)
{
  if (target->key == NULL)
    sng_checkpoint_set_state (context->checkpoint, target->name, other);
  else if (sng_state_dict_contains (other, target->key))
    sng_fault_copy_entry (target->state, other, target->key);
  else
    return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                              "there was no \"%s\" in the state \"%s\" then", target->key, target->name);

  return TRUE;
}

static gboolean
plant_drop (SngFaultContext *context, GError **error)
{
  g_auto (Target) target = { NULL };

  if (!find_target (context, &target))
    return TRUE;

  return target.fresh != NULL
             ? replace (context, &target, target.fresh)
             : sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "\"%s\" is not registered", target.name);
}

static gboolean
plant_stale (SngFaultContext *context, GError **error)
{
  g_auto (Target) target = { NULL };
  g_autoptr (SngCheckpoint) older = NULL;
  g_autoptr (GError) local_error = NULL;
  SngStateDict *state;

  if (!find_target (context, &target))
    return TRUE;

  older = sng_fault_load_older (context, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  state = older != NULL ? sng_checkpoint_lookup_state (older, target.name) : NULL;

  return state != NULL ? replace (context, &target, state)
                       : sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                                            "the older checkpoint has no \"%s\"", target.name);
}

static gboolean
count_one_less (SngStateDict *state, const char *name)
{
  guint64 count;

  return sng_fault_get_count (state, name, &count)
         && sng_fault_set_count (state, name, count > 0 ? count - 1 : 1);
}

static gboolean
plant_off_by_one (SngFaultContext *context, GError **error)
{
  return damage (context, count_one_less, FALSE);
}

static gboolean
plant_swap (SngFaultContext *context, GError **error)
{
  g_auto (Target) target = { NULL };

  return !find_target (context, &target) || sng_fault_swap_tensors (target.state, target.key)
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                               "\"%s\" has no two tensors of one kind and one shape that differ",
                               sng_fault_get_target (context->fault));
}

static gboolean
is_double (SngStateDict *state, const char *name)
{
  GVariant *value = sng_state_dict_lookup_value (state, name);

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE);
}

static gboolean
make_zero (SngStateDict *state, const char *name)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

  if (tensor != NULL)
    return sng_fault_zero_tensor (tensor);
  if (!is_double (state, name))
    return sng_fault_set_count (state, name, 0);
  sng_state_dict_set_double (state, name, 0.0);

  return TRUE;
}

static gboolean
plant_zero (SngFaultContext *context, GError **error)
{
  return damage (context, make_zero, FALSE);
}

static gboolean
make_bf16 (SngStateDict *state, const char *name)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

  return tensor != NULL && sng_fault_round_to_bf16 (tensor);
}

static gboolean
plant_round (SngFaultContext *context, GError **error)
{
  return damage (context, make_bf16, FALSE);
}

/* Numbers are stored with their lowest byte first. */
static gboolean
flip_lowest_bit (SngStateDict *state, const char *name)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);
  guint64 bits;

  if (tensor != NULL)
    return sng_fault_flip_tensor (tensor);

  if (is_double (state, name))
    {
      double number = g_variant_get_double (sng_state_dict_lookup_value (state, name));

      memcpy (&bits, &number, sizeof bits);
      bits ^= 1;
      memcpy (&number, &bits, sizeof number);
      sng_state_dict_set_double (state, name, number);
      return TRUE;
    }

  return sng_fault_get_count (state, name, &bits) && sng_fault_set_count (state, name, bits ^ 1);
}

static gboolean
plant_flip (SngFaultContext *context, GError **error)
{
  return damage (context, flip_lowest_bit, TRUE);
}

static gboolean
is_stream (const char *name)
{
  return g_str_equal (name, "rng") || g_str_has_prefix (name, "rng/");
}

static gboolean
plant_reseed (SngFaultContext *context, GError **error)
{
  return is_stream (sng_fault_get_target (context->fault))
             ? plant_drop (context, error)
             : sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "\"%s\" is no stream of random numbers",
                                  sng_fault_get_target (context->fault));
}

/* What a state must have for a kind. */
typedef enum
{
  ANYTHING,
  COUNTS,
  TENSORS,
  STREAM,
  NO_STREAM /* where it would be the same as another kind */
} Needs;

static const struct
{
  const char *name;
  const char *title;
  const char *needs;
  Needs of_state;
  SngFaultPlantFunc plant;
} kinds[] = {
  { "drop", "what it was when the training began", "a state that has changed", NO_STREAM, plant_drop },
  { "stale", "what it was in an older checkpoint", "an older checkpoint, and a state that has changed since",
    ANYTHING, plant_stale },
  { "off-by-one", "one less", "a count", COUNTS, plant_off_by_one },
  { "swap", "two of its tensors exchanged", "two tensors of one kind and one shape", TENSORS, plant_swap },
  { "zero", "zero", "numbers", ANYTHING, plant_zero },
  { "round-to-bf16", "through bf16 and back", "tensors of f32 or f64", TENSORS, plant_round },
  { "flip-bit", "one bit is another", "numbers", ANYTHING, plant_flip },
  { "reseed", "back at its seed", "a stream of random numbers", STREAM, plant_reseed },
};

SngFault *
sng_fault_parse_generic (const char *id)
{
  const char *colon = strchr (id, ':');

  if (colon == NULL || colon[1] == '\0')
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strlen (kinds[i].name) == (gsize) (colon - id) && strncmp (kinds[i].name, id, colon - id) == 0)
      return sng_fault_new_generic (kinds[i].name, kinds[i].title, kinds[i].needs, kinds[i].plant, colon + 1);

  return NULL;
}

static gboolean
meets (Needs needs, const char *name, SngStateDict *state)
{
  gboolean has_counts = FALSE;
  gboolean has_tensors = FALSE;
  guint64 count;

  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      const char *entry = sng_state_dict_get_name (state, i);

      has_counts |= sng_fault_get_count (state, entry, &count);
      has_tensors |= sng_state_dict_lookup_tensor (state, entry) != NULL;
    }

  switch (needs)
    {
    case COUNTS:
      return has_counts;

    case TENSORS:
      return has_tensors;

    case STREAM:
      return is_stream (name);

    case NO_STREAM:
      return !is_stream (name);

    default:
      return TRUE;
    }
}

void
sng_fault_list_generic (const char *name, SngStateDict *state, GListStore *faults)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (SngFault) fault = NULL;

      if (!meets (kinds[i].of_state, name, state))
        continue;

      fault = sng_fault_new_generic (kinds[i].name, kinds[i].title, kinds[i].needs, kinds[i].plant, name);
      g_list_store_append (faults, fault);
    }
}

char *
sng_fault_dup_kinds (void)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", kinds[i].name);

  return g_string_free (g_steal_pointer (&names), FALSE);
}
