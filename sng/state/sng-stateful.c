/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-stateful.h"

#include "state/sng-vfunc-private.h"

/**
 * SngStateful:
 *
 * Something with a state that must survive a stop.
 *
 * A model, an optimizer, a scheduler, a sampler, a stream of random numbers
 * and a callback with a memory are all of this kind. Implement it for whatever
 * of yours the next step depends on and add it to a
 * [class@Sng.StateRegistry]: then checkpoints hold it, restores bring it back
 * and the fingerprint of the whole state covers it.
 *
 * A restore asks everybody for [vfunc@Sng.Stateful.check_state] before it calls
 * the first [vfunc@Sng.Stateful.set_state], so a check that finds
 * everything that could go wrong makes a restore all or nothing.
 *
 * Since: 1.0
 */

/**
 * SngStatefulInterface:
 * @parent_iface: the parent interface
 *
 * The functions that make up a stateful.
 *
 * Since: 1.0
 */

/**
 * SngStatefulInterface::get_state:
 * @self: a stateful
 * @error: return location for an error
 *
 * Hands the state out. Its tensors may alias live memory.
 *
 * Returns: (transfer full): the state
 *
 * Since: 1.0
 */

/**
 * SngStatefulInterface::check_state:
 * @self: a stateful
 * @state: the state that is about to be set
 * @error: return location for an error
 *
 * Checks that a state can be set, and changes nothing. Optional: without it
 * every state is taken to fit.
 *
 * Returns: %TRUE where it can be set
 *
 * Since: 1.0
 */

/**
 * SngStatefulInterface::set_state:
 * @self: a stateful
 * @state: the state; its tensors may be read-only and belong to somebody else, so copy from them
 * @error: return location for an error
 *
 * Takes a state over. Where it does not fit, it fails before it changes
 * anything.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */

G_DEFINE_INTERFACE (SngStateful, sng_stateful, G_TYPE_OBJECT)

static void
sng_stateful_default_init (SngStatefulInterface *iface)
{
}

/**
 * sng_stateful_get_state:
 * @self: a stateful
 * @error: return location for an error
 *
 * Gets the state.
 *
 * Its tensors may alias live memory: they are valid until the next change of
 * @self. Use [method@Sng.StateDict.copy] to keep them for longer.
 *
 * Returns: (transfer full): the state
 *
 * Since: 1.0
 */
SngStateDict *
sng_stateful_get_state (SngStateful *self, GError **error)
{
  g_autoptr (SngStateDict) state = NULL;
  SngStatefulInterface *iface;
  GError *failure = NULL;

  g_return_val_if_fail (SNG_IS_STATEFUL (self), NULL);

  iface = SNG_STATEFUL_GET_IFACE (self);
  if (!sng_vfunc_check_implemented (self, "get_state", iface->get_state != NULL, error))
    return NULL;

  state = iface->get_state (self, &failure);
  if (!sng_vfunc_check_result (self, "get_state", state != NULL, &failure))
    {
      g_propagate_error (error, failure);
      return NULL;
    }

  return g_steal_pointer (&state);
}

/**
 * sng_stateful_check_state:
 * @self: a stateful
 * @state: a state
 * @error: return location for an error
 *
 * Checks that [method@Sng.Stateful.set_state] would take a state. Nothing
 * changes.
 *
 * Returns: %TRUE where it would, and where @self has no check of its own
 *
 * Since: 1.0
 */
gboolean
sng_stateful_check_state (SngStateful *self, SngStateDict *state, GError **error)
{
  SngStatefulInterface *iface;
  GError *failure = NULL;
  gboolean done;

  g_return_val_if_fail (SNG_IS_STATEFUL (self), FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (state), FALSE);

  iface = SNG_STATEFUL_GET_IFACE (self);
  if (iface->check_state == NULL)
    return TRUE;

  done = iface->check_state (self, state, &failure);
  if (!sng_vfunc_check_result (self, "check_state", done, &failure))
    {
      g_propagate_error (error, failure);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_stateful_set_state:
 * @self: a stateful
 * @state: a state
 * @error: return location for an error
 *
 * Sets the state.
 *
 * @self copies what it keeps: it holds on to no tensor of @state.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_stateful_set_state (SngStateful *self, SngStateDict *state, GError **error)
{
  SngStatefulInterface *iface;
  GError *failure = NULL;
  gboolean done;

  g_return_val_if_fail (SNG_IS_STATEFUL (self), FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (state), FALSE);

  iface = SNG_STATEFUL_GET_IFACE (self);
  if (!sng_vfunc_check_implemented (self, "set_state", iface->set_state != NULL, error))
    return FALSE;

  done = iface->set_state (self, state, &failure);
  if (!sng_vfunc_check_result (self, "set_state", done, &failure))
    {
      g_propagate_error (error, failure);
      return FALSE;
    }

  return TRUE;
}
