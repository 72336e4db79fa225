// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An exception that goes through C comes out as a new one, with its message
// after the places that it passed, and without its trace. So the last one is
// kept, and becomes the cause of what comes out.

/* exported explain, init, keep, keepUnseen, raiseUnseen, within */

const {GLib} = imports.gi;

let Sng;
let kept = null;
let depth = 0;

function init(namespace) {
    Sng = namespace;
}

function isError(thrown) {
    return thrown instanceof Error || thrown instanceof GLib.Error;
}

function printTrace(error) {
    printerr(`${error}\n${error?.stack ?? ''}`);
}

// Keeps what was thrown before it goes through C, and has it with its own cause. A process of a run shows nobody its
// exceptions, but what it printed at last is in its parent's error.
function keep(error) {
    const thrown = explain(error);
    if (!thrown?.cause && !(thrown instanceof GLib.Error) && Sng.Harness.is_child())
        printTrace(thrown);
    kept = {error: thrown, message: thrown?.message ?? String(thrown)};
    return thrown;
}

// Calls what goes into C or comes from it, of which one may be in the other.
function within(body) {
    depth++;
    try {
        return body();
    } finally {
        depth--;
    }
}

// Keeps an exception where C takes no error: the call into C throws it at its end, if it does not fail by itself.
function keepUnseen(error) {
    printTrace(error);
    kept = {error, message: ''};
}

function raiseUnseen() {
    if (depth === 0 && kept?.message === '') {
        const {error} = kept;
        kept = null;
        throw error;
    }
}

// Gives an error that came out of C its cause, where it has one.
function explain(error) {
    if (kept && kept.error !== error && isError(error) && error.message.endsWith(kept.message))
        error.cause ??= kept.error;
    kept = null;
    return error;
}
