/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include "tensor/sng-device-private.h"
#include "tensor/sng-dlpack-private.h"

/* Several devices of one GPU: each has a stream, they share the memory. */

#define N_BYTES (5u << 20)
#define SKIPPED 77 /* the exit status */

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

static SngDevice *
new_device (void)
{
  g_autoptr (GError) error = NULL;
  SngDevice *device = sng_device_new ("cuda", &error);

  g_assert_no_error (error);
  return device;
}

static gpointer
alloc (SngDevice *device)
{
  g_autoptr (GError) error = NULL;
  gpointer data = ops (device)->alloc (device, N_BYTES, &error);

  g_assert_no_error (error);
  return data;
}

/* Waits for all that is on the stream. */
static void
wait_for (SngDevice *device, gpointer data)
{
  char byte;

  g_assert_true (ops (device)->download (device, &byte, data, 1, NULL));
}

static void
assert_filled (SngDevice *device, gconstpointer data, char value)
{
  g_autofree char *host = g_malloc (N_BYTES);

  g_assert_true (ops (device)->download (device, host, data, N_BYTES, NULL));
  for (gsize i = 0; i < N_BYTES; i++)
    g_assert_cmpint (host[i], ==, value);
}

static void
end_loan (gpointer managed, gboolean versioned)
{
  if (versioned)
    ((SngDlpackVersioned *) managed)->deleter (managed);
  else
    ((SngDlpackUnversioned *) managed)->deleter (managed);
}

static void
test_by_stream (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) owner = new_device ();
  g_autoptr (SngDevice) first = sng_device_new_on_stream ("cuda", 0, &error);
  g_autoptr (SngDevice) same = sng_device_new_on_stream ("cuda:0", 1, &error);
  g_autoptr (SngDevice) other = sng_device_new_on_stream ("cuda", sng_device_get_stream (owner), &error);
  g_autoptr (SngDevice) again = sng_device_new_on_stream ("cuda", sng_device_get_stream (owner), &error);

  g_assert_no_error (error);
  g_assert_nonnull (first);
  g_assert_true (same == first);
  g_assert_cmpuint (sng_device_get_stream (first), ==, 1);
  g_assert_true (other != first && other != owner);
  g_assert_true (again == other);
  g_assert_cmpuint (sng_device_get_stream (other), ==, sng_device_get_stream (owner));

  g_assert_null (sng_device_new_on_stream ("cpu", 0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (sng_device_new_on_stream ("cuda:99", 0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
}

/* What two devices put on one stream has an order. */
static void
test_shared_stream (void)
{
  static SngDevice *owner; /* its stream must not go before the process */
  g_autoptr (SngDevice) guest = NULL;
  g_autofree char *host = g_malloc (N_BYTES);
  gpointer first, second;

  owner = new_device ();
  guest = sng_device_new_on_stream ("cuda", sng_device_get_stream (owner), NULL);
  first = alloc (owner);
  second = alloc (guest);
  for (int i = 1; i < 4; i++)
    {
      memset (host, i, N_BYTES);
      g_assert_true (ops (owner)->upload (owner, first, host, N_BYTES, NULL));
      ops (guest)->copy (guest, second, first, N_BYTES);
      ops (owner)->zero (owner, first, N_BYTES);
      assert_filled (owner, second, (char) i);
    }
  ops (owner)->free (owner, first, N_BYTES);
  ops (guest)->free (guest, second, N_BYTES);
}

/* A block that was freed on one stream goes to another when what was done with it there is done. */
static void
test_blocks_of_others (void)
{
  g_autoptr (SngDevice) first = new_device ();
  g_autoptr (SngDevice) second = new_device ();
  const gsize n_bytes = 9 << 20; /* no other block is of about that size */
  gpointer block = ops (first)->alloc (first, n_bytes, NULL), marker = alloc (first);

  ops (first)->free (first, block, n_bytes);
  wait_for (first, marker);
  g_assert_true (ops (second)->alloc (second, n_bytes, NULL) == block);
  ops (second)->free (second, block, n_bytes);
  ops (first)->free (first, marker, N_BYTES);
}

/* The emulator does the work of a stream when somebody waits for it, so the event cannot have come here. */
static void
test_early (void)
{
  g_autoptr (GVariant) description = NULL;
  g_autoptr (SngDevice) first = new_device ();
  g_autoptr (SngDevice) second = new_device ();
  const char *compiler = "";
  gpointer block, other;

  description = sng_device_describe (first);
  g_assert_true (g_variant_lookup (description, "cuda-compiler", "&s", &compiler));
  if (strcmp (compiler, "emulator") != 0)
    {
      g_test_skip ("needs a GPU that does nothing before somebody waits, such as the emulated one");
      return;
    }

  block = ops (first)->alloc (first, 7 << 20, NULL);
  ops (first)->free (first, block, 7 << 20);
  other = ops (second)->alloc (second, 7 << 20, NULL);
  g_assert_true (other != block);
  g_assert_true (ops (first)->alloc (first, 7 << 20, NULL) == block);

  /* With its device all its work ends. */
  ops (first)->free (first, block, 7 << 20);
  g_clear_object (&first);
  g_assert_true (ops (second)->alloc (second, 7 << 20, NULL) == block);
  ops (second)->free (second, block, 7 << 20);
  ops (second)->free (second, other, 7 << 20);
}

/* What another library got has a new owner when it is done with it on its stream, not when it says so on the host. */
static void
test_handed_out (gconstpointer versioned)
{
  g_autoptr (SngDevice) device = new_device ();
  g_autoptr (SngDevice) receiver = new_device ();
  const gint64 n_bytes = 13 << 20; /* no other block is of about that size */
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_U8, &n_bytes, 1, device, NULL);
  g_autofree char *host = g_malloc (N_BYTES);
  gpointer managed, block, target = alloc (receiver);
  const void *data = sng_tensor_get_data (tensor);

  memset (host, 1, N_BYTES);
  g_assert_true (ops (device)->upload (device, (gpointer) data, host, N_BYTES, NULL));
  managed = sng_tensor_to_dlpack_on (tensor, versioned != NULL, FALSE,
                                     (gint64) sng_device_get_stream (receiver), NULL);
  g_assert_nonnull (managed);
  ops (receiver)->copy (receiver, target, data, N_BYTES);
  g_clear_object (&tensor);
  end_loan (managed, versioned != NULL);

  block = ops (device)->alloc (device, (gsize) n_bytes, NULL); /* zeroed */
  g_assert_true (block == data);
  wait_for (device, block);
  assert_filled (receiver, target, 1);
  ops (device)->free (device, block, (gsize) n_bytes);
  ops (receiver)->free (receiver, target, N_BYTES);
  g_assert_true (ops (device)->check (device, NULL));
}

/* Whoever names no stream has seen to the order. */
static void
test_handed_out_without_stream (void)
{
  g_autoptr (SngDevice) device = new_device ();
  const gint64 n_bytes = N_BYTES;
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_U8, &n_bytes, 1, device, NULL);

  end_loan (sng_tensor_to_dlpack_on (tensor, TRUE, FALSE, SNG_DLPACK_STREAM_NONE, NULL), TRUE);
  g_assert_true (ops (device)->check (device, NULL));
}

/* A failure is that of the device which met it. */
static void
test_failures (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) first = new_device ();
  g_autoptr (SngDevice) second = new_device ();
  gpointer block = alloc (first);

  /* A copy onto itself goes by way of other memory, and so much there is not. A wrong address may fail later, or not at all. */
  ops (first)->copy (first, (char *) block + 1, block, (gsize) 1 << 50);
  g_assert_false (ops (first)->check (first, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_true (g_str_has_prefix (error->message,
                                   "[device][alloc] cuda:0: cannot get 1125899906842624 bytes of memory"));
  g_assert_true (ops (second)->check (second, NULL));
  ops (first)->free (first, block, N_BYTES);
}

int
main (int argc, char **argv)
{
  g_autoptr (SngDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);

  device = sng_device_new ("cuda", &error);
  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
    {
      g_print ("1..0 # SKIP %s\n", error->message);
      return SKIPPED;
    }

  g_test_add_func ("/sng/cuda/streams/by-stream", test_by_stream);
  g_test_add_func ("/sng/cuda/streams/shared", test_shared_stream);
  g_test_add_func ("/sng/cuda/streams/early", test_early);
  g_test_add_func ("/sng/cuda/streams/blocks-of-others", test_blocks_of_others);
  g_test_add_data_func ("/sng/cuda/streams/handed-out/versioned", "versioned", test_handed_out);
  g_test_add_data_func ("/sng/cuda/streams/handed-out/unversioned", NULL, test_handed_out);
  g_test_add_func ("/sng/cuda/streams/handed-out/without-stream", test_handed_out_without_stream);
  g_test_add_func ("/sng/cuda/streams/failures", test_failures);

  return g_test_run ();
}
