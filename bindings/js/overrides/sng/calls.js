// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Promises for what has a callback, a cancellable that can be left out, and the
// cause of an exception that came through C.

/* exported init */

const {Gio} = imports.gi;
const {causes, typelib} = imports.overrides.sng;

// Without a callback, returns a promise of what _finish returns.
function promisify(prototype, name) {
    const {length} = prototype[`${name}_async`];
    Gio._promisify(prototype, `${name}_async`);
    const begin = prototype[`${name}_async`];
    prototype[`${name}_async`] = function (...args) {
        if (args.length === length && !args.at(-1))
            args.pop();
        while (args.length < length - 1)
            args.push(null);
        return begin.apply(this, args);
    };
}

function wrap(method, takesCancellable) {
    const {length} = method;
    return function (...args) {
        if (takesCancellable && args.length === length - 1)
            args.push(null);
        let result;
        try {
            result = causes.within(() => method.apply(this, args));
        } catch (error) {
            throw causes.explain(error);
        }
        causes.raiseUnseen();
        return result;
    };
}

function init(Sng) {
    causes.init(Sng);
    for (const className of typelib.classes()) {
        const methods = typelib.methods(className);
        const names = new Set(methods.map(({name}) => name));
        for (const {name, takesCancellable} of methods.filter(({mayThrow}) => mayThrow))
            Sng[className].prototype[name] = wrap(Sng[className].prototype[name], takesCancellable);
        for (const name of [...names].filter(each => names.has(`${each}_async`) && names.has(`${each}_finish`)))
            promisify(Sng[className].prototype, name);
    }
}
