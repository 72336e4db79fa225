// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An exception in the handler of a signal. gjs prints it, and the run would go
// on without what the handler was for. Here it ends the training that emitted
// the signal, or comes out of the harness at the end of its run.

/* exported init */

const {GLib} = imports.gi;
const {causes} = imports.overrides.sng;

function guard(cls, fail) {
    for (const name of ['connect', 'connect_after']) {
        const connect = cls.prototype[name];
        cls.prototype[name] = function (signal, handler) {
            return connect.call(this, signal, (...args) => {
                try {
                    return handler(...args);
                } catch (error) {
                    causes.keepUnseen(error);
                    return fail(this, signal, error);
                }
            });
        };
    }
}

function init(Sng) {
    guard(Sng.Harness, () => {});
    guard(Sng.Trainer, (trainer, signal, error) => {
        const message = `[signal] the handler of ${signal}: ${error}`;
        trainer.end_with_error(new GLib.Error(Sng.error_quark(), Sng.Error.FAILED, message));
    });
}
