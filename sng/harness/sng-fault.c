/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-fault-private.h"

#include <string.h>

#include "sng-error.h"

/**
 * SngFaultPlace:
 * @SNG_FAULT_PLACE_ANYWHERE: wherever what was damaged is used or recorded
 * @SNG_FAULT_PLACE_RESTORE: right after the restore, before any step: at the
 *   global step of the checkpoint
 * @SNG_FAULT_PLACE_NEXT_STEP: in the first step after it
 * @SNG_FAULT_PLACE_NEXT_VALIDATION: in the first validation that is due after it
 *
 * Where a fault shows first.
 *
 * Since: 1.0
 */

/**
 * SngFault:
 *
 * Something that goes wrong with real resumes, to be planted on purpose: a check
 * that would not find it proves nothing.
 *
 * [func@Sng.Fault.list] has the catalogue, which was drawn from reports in public
 * trackers. Beside it there are generic faults, which damage any state that is
 * registered with the trainer, be it libsng's or the user's; what they are called
 * [func@Sng.Fault.lookup] tells.
 *
 * A fault is planted in the restore of a resumed run. It is *not applicable*
 * where a training has nothing that it could damage, see
 * [method@Sng.Fault.get_needs], and *not planted* where nothing was lost by it,
 * because what it damages is what it would have been without a restore.
 *
 * A fault never changes, and can be used in any thread.
 *
 * Since: 1.0
 */
struct _SngFault
{
  GObject parent_instance;

  char *id;
  char *title;
  char *target; /* of a generic one */
  const char *needs;
  SngCause cause;
  SngFaultPlace place;
  const char *const *metrics;
  SngFaultPlantFunc plant;
  SngFaultStop stop;
};

G_DEFINE_FINAL_TYPE (SngFault, sng_fault, G_TYPE_OBJECT)

static void
sng_fault_finalize (GObject *object)
{
  SngFault *self = SNG_FAULT (object);

  g_free (self->id);
  g_free (self->title);
  g_free (self->target);

  G_OBJECT_CLASS (sng_fault_parent_class)->finalize (object);
}

static void
sng_fault_class_init (SngFaultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_fault_finalize;
}

static void
sng_fault_init (SngFault *self)
{
}

SngFault *
sng_fault_new_for_spec (const SngFaultSpec *spec)
{
  SngFault *self = g_object_new (SNG_TYPE_FAULT, NULL);

  self->id = g_strdup (spec->id);
  self->title = g_strdup (spec->title);
  self->needs = spec->needs;
  self->cause = spec->cause;
  self->place = spec->place;
  self->metrics = spec->metrics;
  self->plant = spec->plant;
  self->stop = spec->stop;

  return self;
}

SngCause
sng_fault_get_cause_of_state (const char *name)
{
  const struct
  {
    const char *state;
    SngCause cause;
  } causes[] = {
    { "trainer", SNG_CAUSE_COUNTERS },
    { "model", SNG_CAUSE_WEIGHTS },
    { "optimizer", SNG_CAUSE_OPTIMIZER },
    { "scheduler", SNG_CAUSE_SCHEDULE },
    { "grad-scaler", SNG_CAUSE_SCALER },
    { "sampler", SNG_CAUSE_DATA },
    { "rng", SNG_CAUSE_RNG },
    { "ema", SNG_CAUSE_AVERAGES },
    { "early-stopping", SNG_CAUSE_COUNTERS },
    { "model-checkpoint", SNG_CAUSE_COUNTERS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (causes); i++)
    {
      gsize length = strlen (causes[i].state);

      if (strncmp (name, causes[i].state, length) == 0 && strchr ("/:", name[length]) != NULL)
        return causes[i].cause;
    }

  return SNG_CAUSE_UNKNOWN;
}

SngFault *
sng_fault_new_generic (const char *kind,
                       const char *title,
                       const char *needs,
                       SngFaultPlantFunc plant,
                       const char *target)
{
  static const char *const anything[] = { NULL };
  SngFault *self = g_object_new (SNG_TYPE_FAULT, NULL);

  self->id = g_strconcat (kind, ":", target, NULL);
  self->title = g_strdup_printf ("%s: %s", target, title);
  self->target = g_strdup (target);
  self->needs = needs;
  self->cause = sng_fault_get_cause_of_state (target);
  self->place = SNG_FAULT_PLACE_ANYWHERE;
  self->metrics = anything;
  self->plant = plant;

  return self;
}

SngFaultStop
sng_fault_get_stop (SngFault *self)
{
  return self->stop;
}

const char *
sng_fault_get_target (SngFault *self)
{
  return self->target;
}

SngFaultPlantFunc
sng_fault_get_plant (SngFault *self)
{
  return self->plant;
}

static const char *const outcome_names[] = { "planted", "not-planted", "not-applicable", "refused" };

const char *
sng_fault_outcome_to_string (SngFaultOutcome outcome)
{
  return outcome_names[outcome];
}

gboolean
sng_fault_outcome_from_string (const char *name, SngFaultOutcome *outcome)
{
  for (guint i = 0; i < G_N_ELEMENTS (outcome_names); i++)
    if (g_str_equal (name, outcome_names[i]))
      {
        *outcome = (SngFaultOutcome) i;
        return TRUE;
      }

  return FALSE;
}

/**
 * sng_fault_list:
 *
 * Lists the catalogue, without the generic faults: what goes wrong with random
 * numbers and data first, then with schedules, the optimizer, the weights and
 * their averages, the counters, and checkpoints as a whole.
 *
 * Returns: (transfer full): a list of [class@Sng.Fault]
 *
 * Since: 1.0
 */
GListModel *
sng_fault_list (void)
{
  GListStore *faults = g_list_store_new (SNG_TYPE_FAULT);
  guint n_specs;
  const SngFaultSpec *specs = sng_fault_catalogue (&n_specs);

  for (guint i = 0; i < n_specs; i++)
    {
      g_autoptr (SngFault) fault = sng_fault_new_for_spec (&specs[i]);

      g_list_store_append (faults, fault);
    }

  return G_LIST_MODEL (faults);
}

/**
 * sng_fault_lookup:
 * @id: an id
 * @error: return location for a #GError
 *
 * Gets a fault of the catalogue by its id, such as `lr-reset`, or a generic one,
 * whose id is a kind, a colon and what it damages: the name of a registered state
 * (`drop:optimizer`), or a part of it (`drop:early-stopping/wait_count`). The
 * kinds are
 *
 * - `drop`: it is what it was when the training began,
 * - `stale`: it is that of an older checkpoint,
 * - `off-by-one`: its counts are one less,
 * - `swap`: two of its tensors that have one layout are exchanged,
 * - `zero`: its numbers are zero,
 * - `round-to-bf16`: its floating-point tensors have gone through bf16,
 * - `flip-bit`: the lowest bit of one number is another,
 * - `reseed`: a stream of random numbers is back at its seed.
 *
 * Without a part all that has changed since the training began is damaged, and
 * settings are left alone. Whether the state is there shows only when the fault
 * is planted.
 *
 * Where there is no such fault, the error is %SNG_ERROR_NOT_FOUND.
 *
 * Returns: (transfer full): the fault, or %NULL with @error set
 *
 * Since: 1.0
 */
SngFault *
sng_fault_lookup (const char *id, GError **error)
{
  guint n_specs;
  const SngFaultSpec *specs = sng_fault_catalogue (&n_specs);
  g_autofree char *kinds = NULL;
  SngFault *generic;

  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < n_specs; i++)
    if (g_str_equal (specs[i].id, id))
      return sng_fault_new_for_spec (&specs[i]);

  generic = sng_fault_parse_generic (id);
  if (generic != NULL)
    return generic;

  kinds = sng_fault_dup_kinds ();
  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
               "[fault][lookup] \"%s\" is neither in the catalogue nor KIND:STATE with one of the kinds %s",
               id, kinds);

  return NULL;
}

/**
 * sng_fault_get_id:
 * @self: a fault
 *
 * Gets the word that it is looked up by.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
sng_fault_get_id (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), NULL);

  return self->id;
}

/**
 * sng_fault_get_title:
 * @self: a fault
 *
 * Gets what goes wrong, in a few words and in English.
 *
 * Returns: (transfer none): the title
 *
 * Since: 1.0
 */
const char *
sng_fault_get_title (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), NULL);

  return self->title;
}

/**
 * sng_fault_get_needs:
 * @self: a fault
 *
 * Gets what a training must have, or where it must be stopped, so that the fault
 * can be planted and shows, in a few words and in English.
 *
 * Returns: (transfer none) (nullable): the needs; %NULL: any training will do
 *
 * Since: 1.0
 */
const char *
sng_fault_get_needs (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), NULL);

  return self->needs;
}

/**
 * sng_fault_get_cause:
 * @self: a fault
 *
 * Gets the class that a diagnosis should find for it.
 *
 * Returns: the cause
 *
 * Since: 1.0
 */
SngCause
sng_fault_get_cause (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), SNG_CAUSE_UNKNOWN);

  return self->cause;
}

/**
 * sng_fault_get_expected_metrics:
 * @self: a fault
 *
 * Gets the metrics one of which sees the fault first, where a harness has all
 * default ones. It is empty where that depends on the training, and where the
 * restore refuses what the fault has left.
 *
 * Returns: (transfer none) (array zero-terminated=1): the names of the metrics
 *
 * Since: 1.0
 */
const char *const *
sng_fault_get_expected_metrics (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), NULL);

  return self->metrics;
}

/**
 * sng_fault_get_expected_place:
 * @self: a fault
 *
 * Gets where the expected metrics see it.
 *
 * Returns: the place
 *
 * Since: 1.0
 */
SngFaultPlace
sng_fault_get_expected_place (SngFault *self)
{
  g_return_val_if_fail (SNG_IS_FAULT (self), SNG_FAULT_PLACE_ANYWHERE);

  return self->place;
}

/**
 * sng_fault_place_to_string:
 * @place: a place
 *
 * Names a place in a few signs: `+0` right after the restore, `+1` in the first
 * step, `validation`, or `anywhere`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_fault_place_to_string (SngFaultPlace place)
{
  static const char *const names[] = { "anywhere", "+0", "+1", "validation" };

  g_return_val_if_fail ((guint) place < G_N_ELEMENTS (names), NULL);

  return names[place];
}
