/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* How a GPU is got by its name, and what is said where there is none. What was loaded stays loaded: each test is a process. */

#define PLUGIN "libsng-cuda.so"

static void
assert_refused (const char *name, SngError code, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_device_new (name, &error);

  g_assert_null (device);
  g_assert_error (error, SNG_ERROR, (int) code);
  if (strstr (error->message, expected) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, expected);
}

/* Whether the caller is the process in which the test is to be made; in the other one it is made here. */
static gboolean
in_subprocess (void)
{
  if (g_test_subprocess ())
    return TRUE;

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

/* A directory with the plug-in that is this file, or none. */
static char *
make_directory (const char *file)
{
  g_autoptr (GError) error = NULL;
  char *directory = g_dir_make_tmp ("sng-plugin-XXXXXX", &error);

  g_assert_no_error (error);
  if (file != NULL)
    {
      g_autofree char *path = g_build_filename (directory, PLUGIN, NULL);

      g_assert_cmpint (symlink (file, path), ==, 0);
    }
  g_setenv ("SNG_PLUGIN_DIR", directory, TRUE);
  return directory;
}

static void
remove_directory (char *directory)
{
  g_autofree char *path = g_build_filename (directory, PLUGIN, NULL);

  g_assert_true (g_unlink (path) == 0 || errno == ENOENT);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  g_free (directory);
}

static void
test_names (void)
{
  static const char *const wrong[] = { "",        "gpu",    "CUDA",    "cpu:0",   "cudaa",          "cuda:",
                                       "cuda:-1", "cuda:x", "cuda:1x", "cuda: 1", "cuda:4294967296" };
  g_autoptr (SngDevice) cpu = sng_device_new ("cpu", NULL);

  g_assert_true (cpu == sng_device_get_default ());
  g_assert_cmpuint (sng_device_get_stream (cpu), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *named =
          g_strdup_printf ("\"%s\" is no device: there are \"cpu\", \"cuda\" and", wrong[i]);

      assert_refused (wrong[i], SNG_ERROR_INVALID_ARGUMENT, named);
    }
}

static void
test_missing (void)
{
  g_autofree char *text = NULL;
  char *directory;

  if (!in_subprocess ())
    return;

  directory = make_directory (NULL);
  text = g_strdup_printf ("[device][plugin] there is no %s/" PLUGIN ": was libsng built with -Dcuda=enabled?",
                          directory);
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, text);
  remove_directory (directory);

  /* What could not be loaded is tried again. */
  directory = make_directory (g_test_get_filename (G_TEST_BUILT, "cuda", PLUGIN, NULL));
  g_object_unref (sng_device_new ("cuda", NULL));
  remove_directory (directory);
}

static void
test_no_module (void)
{
  char *directory;

  if (!in_subprocess ())
    return;

  directory = make_directory (g_test_get_filename (G_TEST_DIST, "cuda", "meson.build", NULL));
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, PLUGIN " cannot be loaded: ");
  remove_directory (directory);
}

static void
test_no_plugin (gconstpointer name)
{
  char *directory;

  if (!in_subprocess ())
    return;

  directory = make_directory (g_test_get_filename (G_TEST_BUILT, "cuda", name, NULL));
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, PLUGIN " is no plug-in of libsng");
  remove_directory (directory);
}

static void
test_other_version (void)
{
  char *directory;

  if (!in_subprocess ())
    return;

  directory = make_directory (g_test_get_filename (G_TEST_BUILT, "cuda", "libwrong-version.so", NULL));
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED,
                  PLUGIN " is of libsng 0.0.9, and this is libsng " SNG_VERSION_S);
  remove_directory (directory);
}

static void
test_no_driver (void)
{
  if (!in_subprocess ())
    return;

  g_setenv ("SNG_EMULATOR_DEVICES", "-1", TRUE);
  assert_refused (
      "cuda", SNG_ERROR_NOT_SUPPORTED,
      "the NVIDIA driver knows CUDA 12.4, and libsng was built with CUDA 13.0: install a newer one");
  g_setenv ("SNG_EMULATOR_FAIL", "cudaDriverGetVersion:1:35", TRUE);
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, "there is no NVIDIA driver (libcuda.so.1)");
  g_setenv ("SNG_EMULATOR_FAIL", "cudaGetDeviceCount:1:34", TRUE);
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, "is a stub to link with");
}

static void
test_no_gpu (void)
{
  if (!in_subprocess ())
    return;

  g_unsetenv ("CUDA_VISIBLE_DEVICES");
  g_setenv ("SNG_EMULATOR_DEVICES", "0", TRUE);
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, "there is no GPU that CUDA can use");
  g_setenv ("CUDA_VISIBLE_DEVICES", "7", TRUE);
  assert_refused ("cuda", SNG_ERROR_NOT_SUPPORTED, "(CUDA_VISIBLE_DEVICES is \"7\")");

  g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);
  assert_refused ("cuda:2", SNG_ERROR_NOT_SUPPORTED, "there is no cuda:2: the number of GPUs is 2");

  g_setenv ("SNG_EMULATOR_FAIL", "cudaGetDeviceCount:1:3", TRUE);
  assert_refused ("cuda", SNG_ERROR_FAILED, "cuda:0: cudaErrorInitializationError (initialization error)");
  g_setenv ("SNG_EMULATOR_FAIL", "cudaGetDeviceProperties:1:999", TRUE);
  assert_refused ("cuda:1", SNG_ERROR_FAILED, "cuda:1: cudaErrorUnknown (unknown error)");
  g_setenv ("SNG_EMULATOR_FAIL", "cudaStreamCreateWithFlags:1:2", TRUE);
  assert_refused ("cuda:1", SNG_ERROR_FAILED, "cuda:1: cudaErrorMemoryAllocation (out of memory)");
}

static void
test_second_gpu (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) first = NULL;
  g_autoptr (SngDevice) second = NULL;
  g_autoptr (GVariant) description = NULL;
  g_autofree char *text = NULL;

  if (!in_subprocess ())
    return;

  g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);
  g_setenv ("CUBLAS_WORKSPACE_CONFIG", ":4096:8", TRUE);
  g_unsetenv ("NVIDIA_TF32_OVERRIDE");
  first = sng_device_new ("cuda", &error);
  g_assert_no_error (error);
  second = sng_device_new ("cuda:1", &error);
  g_assert_no_error (error);

  g_assert_cmpstr (sng_device_get_name (second), ==, "cuda");
  g_assert_cmpuint (sng_device_get_stream (second), !=, 0);
  g_assert_cmpuint (sng_device_get_stream (second), !=, sng_device_get_stream (first));

  description = sng_device_describe (second);
  text = g_variant_print (description, FALSE);
  g_assert_true (g_variant_is_of_type (description, G_VARIANT_TYPE ("a{ss}")));
  g_assert_nonnull (strstr (text, "{'CUBLAS_WORKSPACE_CONFIG': ':4096:8', "));
  g_assert_null (strstr (text, "NVIDIA_TF32_OVERRIDE"));
  g_assert_nonnull (strstr (
      text,
      "'compute-capability': '9.0', 'cublaslt': '130000', 'cublaslt-algorithms': 'heuristic in 32 MiB', "
      "'cuda-compiler': 'emulator', 'cuda-driver': '13.0', 'cuda-toolkit': '13.0', 'device': 'cuda:1', "
      "'gpu': 'Emulated GPU', 'multiprocessors': '132'"));
}

static void
test_describe_cpu (void)
{
  g_autoptr (GVariant) description = sng_device_describe (sng_device_get_default ());
  const char *name = NULL;

  g_assert_true (g_variant_lookup (description, "device", "&s", &name));
  g_assert_cmpstr (name, ==, "cpu");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/plugin/names", test_names);
  g_test_add_func ("/sng/cuda/plugin/missing", test_missing);
  g_test_add_func ("/sng/cuda/plugin/no-module", test_no_module);
  g_test_add_data_func ("/sng/cuda/plugin/no-entry", "libwrong-entry.so", test_no_plugin);
  g_test_add_data_func ("/sng/cuda/plugin/nothing", "libwrong-nothing.so", test_no_plugin);
  g_test_add_func ("/sng/cuda/plugin/other-version", test_other_version);
  g_test_add_func ("/sng/cuda/plugin/no-driver", test_no_driver);
  g_test_add_func ("/sng/cuda/plugin/no-gpu", test_no_gpu);
  g_test_add_func ("/sng/cuda/plugin/second-gpu", test_second_gpu);
  g_test_add_func ("/sng/cuda/plugin/describe-cpu", test_describe_cpu);

  return g_test_run ();
}
