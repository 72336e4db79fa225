/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-error.h"

/**
 * SngError:
 * @SNG_ERROR_FAILED: something failed for which there is no better code
 * @SNG_ERROR_INVALID_ARGUMENT: a setting or an option that the caller chose
 *   cannot be used, alone or with the others
 * @SNG_ERROR_NOT_FOUND: a file, a run, a checkpoint or a name does not exist
 * @SNG_ERROR_INVALID_DATA: the contents of an input are not what its format
 *   asks for
 * @SNG_ERROR_CORRUPT: something that libsng wrote is damaged: a digest or a
 *   size is not the recorded one
 * @SNG_ERROR_MISMATCH: two sides that must fit do not: a name, a shape, a
 *   dtype or a version
 * @SNG_ERROR_NOT_SUPPORTED: a thing that this build or this machine does not
 *   have
 * @SNG_ERROR_IO: reading or writing failed
 * @SNG_ERROR_STOP_AND_GO: the deliberate interruption of a training run. Who
 *   asked for it takes it as success.
 * @SNG_ERROR_NON_FINITE: a loss, a gradient or a parameter is infinite or not
 *   a number
 * @SNG_ERROR_CHILD_FAILED: a child process ended with an error or by a signal
 * @SNG_ERROR_CANCELLED: a [class@Gio.Cancellable] was cancelled
 * @SNG_ERROR_PREEMPTED: a signal asked for the end of a training, which has
 *   saved its state and can be resumed. See [class@Sng.Preemption].
 * @SNG_ERROR_TIMED_OUT: a command did not end in the time that it was given
 * @SNG_ERROR_NOT_RECORDED: a command ended well, but recorded nothing
 * @SNG_ERROR_OTHER_STEPS: a command did not make the steps that it was to make
 * @SNG_ERROR_NOT_RESUMED: a command that was to go on with what it had left began anew
 *
 * What can go wrong while libsng works.
 *
 * The message of an error begins with the place it comes from, such as
 * `[checkpoint][load]`, and names the file, tensor or setting it is about.
 *
 * That two runs differ is not an error: it is the result of a check that could
 * be made, and a report holds it.
 *
 * Since: 1.0
 */

/**
 * sng_error_quark:
 *
 * The domain of every error that libsng reports by itself.
 *
 * Returns: the quark of the error domain
 *
 * Since: 1.0
 */
/* clang-format off */
G_DEFINE_QUARK (sng-error-quark, sng_error)
/* clang-format on */
