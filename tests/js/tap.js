// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// As much of a test framework as the tests need: cases, printed as TAP.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

const cases = [];

export function test(title, body) {
    cases.push([title, body]);
}

export function run(prefix) {
    let failed = 0;
    print(`1..${cases.length}`);
    cases.forEach(([title, body], i) => {
        let result = 'ok';
        try {
            body();
        } catch (error) {
            result = 'not ok';
            failed++;
            printerr(`${title}: ${error.message}\n${error.stack}`);
        }
        print(`${result} ${i + 1} ${prefix}/${title}`);
    });
    System.exit(failed ? 1 : 0);
}

export function assert(condition, message = 'assertion failed') {
    if (!condition)
        throw new Error(message);
}

export function assertEqual(actual, expected, message = '') {
    const [a, e] = [actual, expected].map(value => JSON.stringify(value));
    assert(a === e, `${message}: got ${a} instead of ${e}`);
}

export function assertThrows(body) {
    try {
        body();
    } catch (error) {
        return error;
    }
    throw new Error('nothing was thrown');
}

// What a promise comes to: {value} or {error}.
export function settle(promise) {
    const loop = new GLib.MainLoop(null, false);
    let outcome = null;
    promise.then(value => (outcome = {value}), error => (outcome = {error})).finally(() => loop.quit());
    loop.run();
    return outcome;
}

function remove(file) {
    if (file.query_file_type(Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, null) === Gio.FileType.DIRECTORY) {
        for (const info of file.enumerate_children('standard::name', Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, null))
            remove(file.get_child(info.get_name()));
    }
    file.delete(null);
}

// Calls a function with the path of a directory that is there while it runs.
export function withDirectory(function_) {
    const directory = GLib.Dir.make_tmp('sng-test-XXXXXX');
    try {
        function_(directory);
    } finally {
        remove(Gio.File.new_for_path(directory));
    }
}
