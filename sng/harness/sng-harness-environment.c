/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include <dnnl.h>

#include "harness/sng-build-info-private.h"
#include "record/sng-environment-private.h"
#include "sng-version.h"
#include "tensor/sng-device-private.h"

/* What the runs of a harness compute on, and what else their numbers depend on. */

char *
sng_harness_dup_device_name (SngHarness *self, SngMode mode)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  gboolean resumes = mode == SNG_MODE_RESUME || mode == SNG_MODE_REPEAT;
  const char *name = resumes && priv->resume_device != NULL ? priv->resume_device : priv->device;

  return sng_device_resolve_name (name != NULL ? name : "cpu");
}

GVariant *
sng_harness_describe_environment (SngHarness *self, SngDevice *device)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  const dnnl_version_t *dnnl = dnnl_version ();
  g_autoptr (GVariant) described = device != NULL ? sng_device_describe (device) : NULL;
  GVariant *environment;
  guint n_threads = priv->n_threads != 0
                        ? priv->n_threads
                        : sng_device_get_n_threads (device != NULL ? device : sng_device_get_default ());
  g_autofree char *name = sng_harness_dup_device_name (self, SNG_MODE_CONTINUOUS);
  g_autofree char *glib =
      g_strdup_printf ("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
  g_autofree char *onednn = g_strdup_printf ("%d.%d.%d", dnnl->major, dnnl->minor, dnnl->patch);
  g_autofree char *threads = g_strdup_printf ("%u", n_threads);

  g_variant_builder_add (&builder, "{ss}", "libsng", SNG_VERSION_S);
  g_variant_builder_add (&builder, "{ss}", "glib", glib);
  g_variant_builder_add (&builder, "{ss}", "onednn", onednn);
  g_variant_builder_add (&builder, "{ss}", "compiler", SNG_BUILD_COMPILER);
  g_variant_builder_add (&builder, "{ss}", "compiler-flags", SNG_BUILD_FLAGS);
  g_variant_builder_add (&builder, "{ss}", SNG_ENVIRONMENT_DEVICE, name);
  g_variant_builder_add (&builder, "{ss}", "threads", threads);
  environment = sng_environment_merge (g_variant_builder_end (&builder), sng_environment_read_variables ());
  if (priv->environment != NULL)
    environment = sng_environment_merge (environment, priv->environment);
  if (described != NULL)
    environment = sng_environment_merge (environment, described);

  return g_variant_ref_sink (environment);
}

/**
 * sng_harness_create_device:
 * @self: a harness
 * @mode: the mode that is to run on it
 * @error: return location for a #GError
 *
 * Makes the device that a mode trains on, for [vfunc@Sng.Harness.setup_model]: that of
 * [property@Sng.Harness:device] or, in RESUME and REPEAT, of [property@Sng.Harness:resume-device] where there is one. The
 * processor has [property@Sng.Harness:n-threads] threads.
 *
 * Fails as [ctor@Sng.Device.new] does, such as with %SNG_ERROR_NOT_SUPPORTED where there is no GPU.
 *
 * Returns: (transfer full): a device, or %NULL with @error set
 *
 * Since: 1.0
 */
SngDevice *
sng_harness_create_device (SngHarness *self, SngMode mode, GError **error)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  name = sng_harness_dup_device_name (self, mode);

  /* The default device, which has that name, has as many threads as it finds processors. */
  return g_str_equal (name, "cpu") ? sng_device_new_cpu (sng_harness_get_private (self)->n_threads)
                                   : sng_device_new (name, error);
}

/**
 * sng_harness_set_environment:
 * @self: a harness
 * @key: what it is, such as `torch`
 * @value: its value, such as `2.9.1`
 *
 * Notes something that the numbers of a run may depend on beside its program, as
 * [method@Sng.Recorder.set_environment] does: for all runs that this process makes from now on. So it is called in
 * [vfunc@Sng.Harness.setup_model] or [vfunc@Sng.Harness.setup], in the process of the run. A second value for a key replaces the
 * first.
 *
 * The version of libsng and its compiler are there, the device that the model lies on with what it says of itself
 * ([method@Sng.Device.describe]), and the variables that libraries take settings from.
 *
 * Since: 1.0
 */
void
sng_harness_set_environment (SngHarness *self, const char *key, const char *value)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  SngHarnessPrivate *priv;
  g_autoptr (GVariant) known = NULL;

  g_return_if_fail (SNG_IS_HARNESS (self));
  g_return_if_fail (key != NULL && *key != '\0' && g_utf8_validate (key, -1, NULL));
  g_return_if_fail (value != NULL && g_utf8_validate (value, -1, NULL));

  priv = sng_harness_get_private (self);
  known = g_steal_pointer (&priv->environment);
  g_variant_builder_add (&builder, "{ss}", key, value);
  priv->environment = g_variant_ref_sink (sng_environment_merge (known, g_variant_builder_end (&builder)));
}
