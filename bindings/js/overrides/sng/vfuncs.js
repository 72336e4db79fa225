// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a function that C calls may return, beside what it must: plain objects
// for a dictionary and a setup, arrays for a list. What else it returns is an
// error that says so.

/* exported init */

const {Gio, GObject} = imports.gi;
const {causes, typelib, values} = imports.overrides.sng;

let Sng;

const ITEMS = {get_default_callbacks: 'Callback', get_parameters: 'Parameter'};
const PARTS = ['model', 'data', 'optimizer', 'scheduler'];

// What to return instead of what cannot be taken.
const ADVICE = {
    Setup: 'an object {model, data, optimizer, scheduler}, an array of these, or an Sng.Setup',
    StateDict: 'an object of numbers, typed arrays and tensors, or an Sng.StateDict',
    ListModel: 'an array, or a Gio.ListStore',
};

function refuse(value, wanted) {
    const advice = value instanceof Promise ? '. C cannot wait for it, so the function must not be async' : '';
    return new TypeError(`returned ${values.show(value)}: return ${wanted}${advice}`);
}

function nameOf(type) {
    return `an ${type.name.replace('_', '.')}`;
}

function toSetup(value) {
    const parts = Array.isArray(value) ? value : PARTS.map(name => value[name] ?? null);
    const types = [Sng.Model, Sng.DataModule, Sng.Optimizer, Sng.LrScheduler];
    types.forEach((type, i) => {
        if (!(parts[i] instanceof type) && !(i === 3 && (parts[i] ?? null) === null))
            throw new TypeError(`returned a setup whose ${PARTS[i]} is ${values.show(parts[i])}: it must be ${nameOf(type)}`);
    });
    return Sng.Setup.new(parts[0], parts[1], parts[2], parts[3] ?? null);
}

function toList(value, type) {
    const list = new Gio.ListStore({item_type: type});
    value.forEach((item, i) => {
        if (!(item instanceof type))
            throw new TypeError(`returned an array whose item ${i} is ${values.show(item)}: it must be ${nameOf(type)}`);
        list.append(item);
    });
    return list;
}

function convert(value, {name, returnsBoolean, returnsType, nOutputs}) {
    if (returnsBoolean && nOutputs === 1 && typeof value === 'number')
        return [true, value];
    if (returnsBoolean && nOutputs === 0 && typeof value !== 'boolean')
        throw refuse(value, 'true, or throw what is wrong');
    if (!returnsType || isA(value, Sng[returnsType]))
        return value;
    if (value !== null && typeof value === 'object' && !(value instanceof Promise) && !(value instanceof GObject.Object)) {
        if (returnsType === 'StateDict')
            return Sng.StateDict.from(value);
        if (returnsType === 'Setup')
            return toSetup(value);
        if (returnsType === 'ListModel' && Array.isArray(value))
            return toList(value, Sng[ITEMS[name]]);
    }
    throw refuse(value, ADVICE[returnsType] ?? `an Sng.${returnsType}`);
}

// A number stands for an enumeration or flags; an interface is another namespace's.
function isA(value, type) {
    if (type?.prototype instanceof GObject.Object)
        return value instanceof type;
    return type ? typeof value === 'number' : value instanceof GObject.Object;
}

function wrap(method, vfunc) {
    return function (...args) {
        try {
            return convert(causes.within(() => method.apply(this, args)), vfunc);
        } catch (error) {
            if (vfunc.canFail)
                throw causes.keep(error);
            causes.keepUnseen(error);
            return 0;
        }
    };
}

function wrapVfuncs(klass) {
    const names = Object.getOwnPropertyNames(klass.prototype).filter(name => name.startsWith('vfunc_'));
    const known = names.length > 0 ? typelib.vfuncs(klass) : null;
    for (const name of names) {
        const vfunc = known.get(name.slice(6));
        const {value: method} = Object.getOwnPropertyDescriptor(klass.prototype, name);
        if (vfunc && typeof method === 'function')
            klass.prototype[name] = wrap(method, vfunc);
    }
}

function init(namespace) {
    Sng = namespace;

    // A class that implements no more than Sng.Stateful is registered by GObject alone.
    const {_classInit: classInit} = GObject.Object;
    GObject.Object._classInit = function (klass) {
        wrapVfuncs(klass);
        return classInit.call(this, klass);
    };

    // The function of a metric may return what a value can be.
    const toFunction = (name, func) => function (...args) {
        try {
            const value = func(...args);
            const variant = values.toVariant(value);
            if (!variant)
                throw new TypeError(`the function of the metric ${name} ` +
                    refuse(value, 'a number, BigInt, boolean, string or GLib.Variant').message);
            return variant;
        } catch (error) {
            throw causes.keep(error);
        }
    };
    const addMetric = Sng.Harness.prototype.add_metric;
    Sng.Harness.prototype.add_metric = function (name, func) {
        return addMetric.call(this, name, toFunction(name, func));
    };
    const newFunctionCallback = Sng.FunctionCallback.new;
    Sng.FunctionCallback.new = (name, func) => newFunctionCallback.call(Sng.FunctionCallback, name, toFunction(name, func));
}
