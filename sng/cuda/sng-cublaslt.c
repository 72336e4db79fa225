/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cublaslt-private.h"

#include <gmodule.h>

#include "sng-error.h"

#define PLACE "[cuda][linear]"

#define MAJOR(cuda_version) ((cuda_version) / 1000)

/* A major version of the toolkit has one of the library, whose interface stays. */
GStrv
sng_cublaslt_list_names (int cuda_version)
{
  char *names[] = { g_strdup_printf ("libcublasLt.so.%d", MAJOR (cuda_version)), g_strdup ("libcublasLt.so"),
                    NULL };

  return g_memdup2 (names, sizeof names);
}

/* What has been looked for, and what the linker said to it. */
static GModule *
open_first (const char *const *names, GError **error)
{
  g_autoptr (GString) tried = g_string_new (NULL);

  for (gsize i = 0; names[i] != NULL; i++)
    {
      GModule *module = g_module_open (names[i], G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);

      if (module != NULL)
        return module;
      g_string_append_printf (tried, "%s%s (%s)", i > 0 ? ", " : "", names[i], g_module_error ());
    }
  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
               PLACE " products of matrices need NVIDIA's cuBLASLt, version %d, which was not found: %s",
               MAJOR (CUDART_VERSION), tried->str);
  return NULL;
}

static gboolean
find (GModule *module, const char *name, gpointer *function, GError **error)
{
  if (g_module_symbol (module, name, function) && *function != NULL)
    return TRUE;
  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, PLACE " \"%s\" has no %s", g_module_name (module),
               name);
  return FALSE;
}

gboolean
sng_cublaslt_open (SngCublaslt *self, const char *const *names, GError **error)
{
  GModule *module = open_first (names, error);

  if (module == NULL)
    return FALSE;

  /* It holds on to the GPU's context, so it must not go away before it. */
  g_module_make_resident (module);
#define FIND(name, result, parameters)                                                                       \
 if (!find (module, #name, (gpointer *) &self->name, error))                                                 \
  return FALSE;
  SNG_CUBLASLT_FUNCTIONS (FIND)
#undef FIND
  return TRUE;
}
