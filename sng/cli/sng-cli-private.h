/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib/gi18n.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <sng.h>

G_BEGIN_DECLS

/* The exit codes of every command; one that a signal ended has 128 plus its number. */
typedef enum
{
  SNG_EXIT_PASS = 0,
  SNG_EXIT_DIFFERENT = 1,
  SNG_EXIT_INCONCLUSIVE = 2,
  SNG_EXIT_ERROR = 3,
  /* of a command that is checked */
  SNG_EXIT_TIMED_OUT = 4,
  SNG_EXIT_CHILD_FAILED = 5,
  SNG_EXIT_NOT_RECORDED = 6,
  SNG_EXIT_OTHER_STEPS = 7,
  SNG_EXIT_NOT_RESUMED = 8
} SngExit;

/* Each command takes its own arguments, its name first. */
int sng_command_check  (int    argc,
                        char **argv);
int sng_command_demo   (int    argc,
                        char **argv);
int sng_command_diff   (int    argc,
                        char **argv);
int sng_command_faults (int    argc,
                        char **argv);
int sng_command_show   (int    argc,
                        char **argv);
int sng_command_verify (int    argc,
                        char **argv);

/* Prints "sng: MESSAGE" to the standard error; returns SNG_EXIT_ERROR. */
int      sng_cli_fail          (const char     *format,
                                ...) G_GNUC_PRINTF (1, 2);
/* Any number of arguments, but one at least. */
#define SNG_CLI_ANY G_MAXUINT

/* Parses the options of a command, which takes n_arguments others; what is wrong is printed. Either list may be NULL. */
gboolean sng_cli_parse         (const char     *command,
                                const char     *parameters,
                                const char     *summary,
                                const char     *description,
                                GOptionEntry   *entries,
                                GOptionEntry   *more_entries,
                                guint           n_arguments,
                                int            *argc,
                                char         ***argv);

/* A number that was not given. */
#define SNG_NOT_GIVEN G_MININT64

/* Checks of what follows an option; what is wrong is printed. A text may be NULL: it was not given. */
gboolean sng_cli_check_range     (const char *name,
                                  gint64      value,
                                  gint64      minimum,
                                  gint64      maximum);
/* The same; it may be SNG_NOT_GIVEN. */
gboolean sng_cli_check_given     (const char *name,
                                  gint64      value,
                                  gint64      minimum,
                                  gint64      maximum);
gboolean sng_cli_check_stops     (const char *stops);
gboolean sng_cli_check_tolerance (const char *tolerance);

/* What a path leads to. */
typedef enum
{
  SNG_KIND_RUN,        /* a directory with a plan.json */
  SNG_KIND_STORE,      /* what one mode recorded: a .db, or the directory that it is in */
  SNG_KIND_CHECKPOINT, /* a directory with a state.json */
  SNG_KIND_SAFETENSORS
} SngKind;

/* Fails, naming the path and what was expected, where it leads to nothing of the kind. */
gboolean sng_cli_find_kind     (const char     *path,
                                SngKind        *kind,
                                GError        **error);
/* The run store of a SNG_KIND_STORE. */
char    *sng_cli_dup_store     (const char     *path);
/* The names of the runs that a run directory holds, sorted; such as "continuous" or "sweep/resume-000003". */
char   **sng_cli_list_runs    (const char     *path,
                                GError        **error);
/* Parses a JSON file of a run directory, which holds an object; fails, naming the file, where it does not. */
JsonNode *sng_cli_load_json    (const char     *directory,
                                const char     *name,
                                GError        **error);

G_END_DECLS
