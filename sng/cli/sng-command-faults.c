/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

/* What goes wrong with any state; the name of a registered one, or of a part of it, takes the place of STATE. */
static const char *const generic_ids[] = {
  "drop:STATE", "stale:STATE",         "off-by-one:STATE", "swap:STATE",
  "zero:STATE", "round-to-bf16:STATE", "flip-bit:STATE",   "reseed:STATE",
};

/* The catalogue, and behind it the generic ones. */
static GListModel *
list_faults (void)
{
  g_autoptr (GListModel) catalogue = sng_fault_list ();
  GListStore *faults = g_list_store_new (SNG_TYPE_FAULT);

  for (guint i = 0; i < g_list_model_get_n_items (catalogue); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (catalogue, i);

      g_list_store_append (faults, fault);
    }

  for (guint i = 0; i < G_N_ELEMENTS (generic_ids); i++)
    {
      g_autoptr (SngFault) fault = sng_fault_lookup (generic_ids[i], NULL);

      g_list_store_append (faults, fault);
    }

  return G_LIST_MODEL (faults);
}

static void
print_text (GListModel *faults)
{
  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (faults, i);
      const char *needs = sng_fault_get_needs (fault);

      g_print ("%-23s %s\n", sng_fault_get_id (fault), sng_fault_get_title (fault));
      if (needs != NULL)
        g_print (_ ("%-23s needs %s\n"), "", needs);
    }
}

static void
add_member (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_fault (JsonBuilder *builder, SngFault *fault)
{
  const char *const *metrics = sng_fault_get_expected_metrics (fault);

  json_builder_begin_object (builder);
  add_member (builder, "id", sng_fault_get_id (fault));
  add_member (builder, "title", sng_fault_get_title (fault));
  add_member (builder, "needs", sng_fault_get_needs (fault));
  add_member (builder, "cause", sng_cause_to_string (sng_fault_get_cause (fault)));
  add_member (builder, "place", sng_fault_place_to_string (sng_fault_get_expected_place (fault)));
  json_builder_set_member_name (builder, "metrics");
  json_builder_begin_array (builder);
  for (guint i = 0; metrics[i] != NULL; i++)
    json_builder_add_string_value (builder, metrics[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_json (GListModel *faults)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "faults");
  json_builder_begin_array (builder);

  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (faults, i);

      add_fault (builder, fault);
    }

  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

int
sng_command_faults (int argc, char **argv)
{
  gboolean json = FALSE;
  g_autoptr (GListModel) faults = NULL;
  GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print them as JSON"), NULL },
    { NULL },
  };

  if (!sng_cli_parse (
          "faults", "",
          _ ("Lists what can go wrong with a resume and be planted on purpose: a name, what happens, and\n"
             "what a training needs for it to show. STATE is the name of anything that is registered\n"
             "with the trainer, such as optimizer, or a part of it, such as optimizer/step."),
          _ ("Exit codes: 0 they were printed, 3 wrong arguments."), entries, NULL, 0, &argc, &argv))
    return SNG_EXIT_ERROR;

  faults = list_faults ();
  if (json)
    print_json (faults);
  else
    print_text (faults);

  return SNG_EXIT_PASS;
}
