/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* make-page JSON HTML: the page of a report that is given as sng_report_page_new() takes it. */

#include "compare/sng-report-page-private.h"

int
main (int argc, char **argv)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *page = NULL;

  g_assert_cmpint (argc, ==, 3);
  json_parser_load_from_file (parser, argv[1], &error);
  g_assert_no_error (error);

  page = sng_report_page_new (json_node_get_object (json_parser_get_root (parser)));
  g_file_set_contents (argv[2], page, -1, &error);
  g_assert_no_error (error);

  return 0;
}
