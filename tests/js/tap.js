// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// As much of a test framework as the tests need: cases, printed as TAP.

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
