/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-parameter-groups-private.h"

#include "sng-error.h"
#include "train/sng-parameter.h"

static SngParameterGroup *
group_copy (const SngParameterGroup *group)
{
  SngParameterGroup *copy = g_new (SngParameterGroup, 1);

  *copy = *group;
  copy->name = g_strdup (group->name);
  copy->pattern = g_strdup (group->pattern);

  return copy;
}

static void
group_free (gpointer data)
{
  SngParameterGroup *group = data;

  g_free (group->name);
  g_free (group->pattern);
  g_free (group);
}

GPtrArray *
sng_parameter_groups_new (void)
{
  const SngParameterGroup everything = {
    .name = (char *) "default",
    .pattern = (char *) "*",
    .learning_rate_factor = 1.0,
  };
  GPtrArray *groups = g_ptr_array_new_with_free_func (group_free);

  g_ptr_array_add (groups, group_copy (&everything));

  return groups;
}

SngParameterGroup *
sng_parameter_groups_get_default (GPtrArray *groups)
{
  return g_ptr_array_index (groups, groups->len - 1);
}

static gboolean
is_matched (GListModel *parameters, const char *pattern)
{
  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (g_pattern_match_simple (pattern, sng_parameter_get_name (parameter)))
        return TRUE;
    }

  return FALSE;
}

static gboolean
check_group (GPtrArray *groups,
             const SngParameterGroup *group,
             GListModel *parameters,
             const char *place,
             GError **error)
{
  if (!(group->weight_decay >= 0.0 && group->weight_decay <= G_MAXDOUBLE)
      || !(group->learning_rate_factor >= 0.0 && group->learning_rate_factor <= G_MAXDOUBLE))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "%s %s: weight decay %g and learning-rate factor %g, expected are finite values from 0",
                   place, group->name, group->weight_decay, group->learning_rate_factor);
      return FALSE;
    }

  for (guint i = 0; i < groups->len; i++)
    if (g_str_equal (((const SngParameterGroup *) g_ptr_array_index (groups, i))->name, group->name))
      {
        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                     "%s %s: there is a group of this name already", place, group->name);
        return FALSE;
      }

  if (!is_matched (parameters, group->pattern))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "%s %s: no parameter's name matches \"%s\"", place,
                   group->name, group->pattern);
      return FALSE;
    }

  return TRUE;
}

gboolean
sng_parameter_groups_add (GPtrArray *groups,
                          const SngParameterGroup *group,
                          GListModel *parameters,
                          const char *place,
                          GError **error)
{
  if (!check_group (groups, group, parameters, place, error))
    return FALSE;

  /* before the default one */
  g_ptr_array_insert (groups, (int) groups->len - 1, group_copy (group));

  return TRUE;
}

const SngParameterGroup *
sng_parameter_groups_find (GPtrArray *groups, const char *name)
{
  for (guint i = 0; i < groups->len; i++)
    {
      const SngParameterGroup *group = g_ptr_array_index (groups, i);

      if (g_pattern_match_simple (group->pattern, name))
        return group;
    }

  g_assert_not_reached ();
}

static void
set_value (SngStateDict *state, const SngParameterGroup *group, const char *setting, GVariant *value)
{
  g_autofree char *name = g_strdup_printf ("group.%s.%s", group->name, setting);

  sng_state_dict_set_value (state, name, value);
}

void
sng_parameter_groups_add_settings (GPtrArray *groups, SngStateDict *state)
{
  for (guint i = 0; i < groups->len; i++)
    {
      const SngParameterGroup *group = g_ptr_array_index (groups, i);

      /* the default one always comes last */
      if (i + 1 < groups->len)
        set_value (state, group, "position", g_variant_new_uint32 (i));
      set_value (state, group, "pattern", g_variant_new_string (group->pattern));
      set_value (state, group, "weight_decay", g_variant_new_double (group->weight_decay));
      set_value (state, group, "learning_rate_factor", g_variant_new_double (group->learning_rate_factor));
    }
}
