/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* dladdr () */

#include "tensor/sng-device-private.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <string.h>

#include "sng-error.h"

/* Devices by their names. What drives a GPU is loaded when one is asked for: libsng itself needs neither driver nor toolkit. */

#define CUDA_FILE "libsng-cuda.so"
#define PER_THREAD_STREAM 2 /* cudaStreamPerThread */

/* Beside the file that this code is in: where it is installed, and where it is built. */
static char *
find_beside (void)
{
  static const char *const folders[] = { "sng-1.0", "cuda" };
  Dl_info info;
  g_autofree char *directory = NULL;

  if (dladdr ((gpointer) sng_device_new, &info) == 0 || info.dli_fname == NULL)
    return g_build_filename (SNG_PLUGIN_DIRECTORY, CUDA_FILE, NULL);

  directory = g_path_get_dirname (info.dli_fname);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (directory, folders[i], CUDA_FILE, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_canonicalize_filename (path, NULL);
    }

  return g_build_filename (SNG_PLUGIN_DIRECTORY, CUDA_FILE, NULL);
}

static char *
find_file (void)
{
  const char *chosen = g_getenv ("SNG_PLUGIN_DIR");

  return chosen != NULL ? g_build_filename (chosen, CUDA_FILE, NULL) : find_beside ();
}

/* The functions of a file that was just opened, if they are those of this libsng. */
static const SngDevicePlugin *
get_plugin (GModule *module, const char *path, GError **error)
{
  gpointer entry;
  const SngDevicePlugin *plugin = NULL;

  if (g_module_symbol (module, SNG_DEVICE_PLUGIN_ENTRY, &entry) && entry != NULL)
    plugin = ((SngDevicePluginEntry) entry) ();
  if (plugin == NULL || plugin->version == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[device][plugin] %s is no plug-in of libsng",
                   path);
      return NULL;
    }
  if (strcmp (plugin->version, SNG_VERSION_S) != 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[device][plugin] %s is of libsng %s, and this is libsng %s", path, plugin->version,
                   SNG_VERSION_S);
      return NULL;
    }

  return plugin;
}

/* What was loaded stays: its types cannot be taken back. What could not be is tried again. */
static const SngDevicePlugin *
load_plugin (GError **error)
{
  static GMutex mutex;
  static const SngDevicePlugin *loaded;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  g_autofree char *path = NULL;
  GModule *module;

  if (loaded != NULL)
    return loaded;

  path = find_file ();
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[device][plugin] there is no %s: was libsng built with -Dcuda=enabled?", path);
      return NULL;
    }

  module = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (module == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[device][plugin] %s cannot be loaded: %s",
                   path, g_module_error ());
      return NULL;
    }

  loaded = get_plugin (module, path, error);
  if (loaded != NULL)
    g_module_make_resident (module);
  else
    g_module_close (module);
  return loaded;
}

/* The number in "cuda" or "cuda:N". */
static gboolean
parse_cuda (const char *name, guint *index)
{
  guint64 number = 0;

  if (!g_str_has_prefix (name, "cuda"))
    return FALSE;
  name += strlen ("cuda");
  if (*name != '\0'
      && (*name != ':' || !g_ascii_string_to_unsigned (name + 1, 10, 0, G_MAXINT, &number, NULL)))
    return FALSE;

  *index = (guint) number;
  return TRUE;
}

char *
sng_device_resolve_name (const char *name)
{
  guint index;

  return parse_cuda (name, &index) ? g_strdup_printf ("cuda:%u", index) : g_strdup (name);
}

static void
set_unknown (const char *name, GError **error)
{
  g_set_error (
      error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
      "[device][new] \"%s\" is no device: there are \"cpu\", \"cuda\" and, where there are several GPUs, "
      "\"cuda:1\" and so on",
      name);
}

/**
 * sng_device_new:
 * @name: `cpu`, `cuda` for the first GPU, or `cuda:1` for the second one, as
 *   CUDA counts them
 * @error: return location for an error
 *
 * Gets a device by its name. `cpu` is the default device. A GPU becomes a new
 * device with a queue of its own: what two devices do has no order, so what
 * belongs together is made on one.
 *
 * A GPU is driven by a plug-in, `libsng-cuda.so`. It lies in the directory
 * `sng-1.0` beside libsng, or in the one that the environment variable
 * `SNG_PLUGIN_DIR` names. A call that works on a GPU leaves the current one of
 * its thread as it was, except where the thread has used none before; the
 * reference engine makes its own the current one.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when @name is none of these, with
 * %SNG_ERROR_NOT_SUPPORTED when the plug-in, the driver or the GPU is missing or
 * does not fit, and with %SNG_ERROR_FAILED when CUDA fails.
 *
 * Returns: (transfer full): the device
 *
 * Since: 1.0
 */
SngDevice *
sng_device_new (const char *name, GError **error)
{
  const SngDevicePlugin *plugin;
  guint index;

  g_return_val_if_fail (name != NULL, NULL);

  if (strcmp (name, "cpu") == 0)
    return g_object_ref (sng_device_get_default ());
  if (!parse_cuda (name, &index))
    {
      set_unknown (name, error);
      return NULL;
    }

  plugin = load_plugin (error);
  return plugin != NULL ? plugin->new_device (index, 0, error) : NULL;
}

typedef struct
{
  guint index;
  guint64 stream;
  SngDevice *device;
} OnStream;

SngDevice *
sng_device_new_on_stream (const char *name, guint64 stream, GError **error)
{
  static GMutex mutex;
  static GArray *known;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  const SngDevicePlugin *plugin;
  OnStream wanted = { .stream = MAX (stream, 1) };

  if (stream == PER_THREAD_STREAM)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                           "[device][stream] the default stream of each thread (2) is another one in each, "
                           "so what is put on it "
                           "by several has no order: name a stream");
      return NULL;
    }

  if (!parse_cuda (name, &wanted.index))
    {
      set_unknown (name, error);
      return NULL;
    }

  if (known == NULL)
    known = g_array_new (FALSE, FALSE, sizeof (OnStream));
  for (guint i = 0; i < known->len; i++)
    {
      const OnStream *one = &g_array_index (known, OnStream, i);

      if (one->index == wanted.index && one->stream == wanted.stream)
        return g_object_ref (one->device);
    }

  plugin = load_plugin (error);
  if (plugin != NULL)
    wanted.device = plugin->new_device (wanted.index, wanted.stream, error);
  if (wanted.device == NULL)
    return NULL;

  g_array_append_val (known, wanted);
  return g_object_ref (wanted.device);
}
