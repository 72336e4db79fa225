// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Plain values in and out: typed arrays for tensors, objects for dictionaries.

/* exported fill, init, leaves, show, toVariant, unpack */

const {GLib} = imports.gi;

const ARRAYS = {
    F64: Float64Array, F32: Float32Array, I64: BigInt64Array, I32: Int32Array, I16: Int16Array, I8: Int8Array,
    U8: Uint8Array, U16: Uint16Array, U32: Uint32Array, U64: BigUint64Array, BOOL: Uint8Array,
};
const DTYPES = new Map(Object.entries(ARRAYS).filter(([name]) => name !== 'BOOL').map(([name, array]) => [array, name]));
DTYPES.set(Uint8ClampedArray, 'U8');

let Sng;

// A value in the midst of a message.
function show(value) {
    if (value === null || typeof value !== 'object')
        return {function: 'a function', string: `the string "${String(value)}"`}[typeof value] ?? String(value);
    const name = value.constructor?.name || 'object';
    return `${/^([aeiou]|Sng_)/i.test(name) ? 'an' : 'a'} ${name.replace('_', '.')}`;
}

function refuse(path, value) {
    throw new TypeError(`${path || 'the value'} is ${show(value)}, which cannot be kept: pass a number, BigInt, string, ` +
        'boolean, GLib.Variant, typed array or Sng.Tensor, something with a state, or objects and arrays of these');
}

function dtypeOf(array) {
    const name = DTYPES.get(array.constructor);
    if (!name)
        throw new TypeError(`no tensor holds ${show(array)}: pass one of ${[...DTYPES.keys()].map(a => a.name).join(', ')}`);
    return Sng.Dtype[name];
}

// A typed array may be a window on a larger buffer.
function toBytes(array) {
    return new GLib.Bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

// A number is always a double, and a BigInt always an integer, so that an entry does not change its type from 0.5 to 1.
function toVariant(value) {
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value)
        throw new RangeError(`${value} has more than the 64 bits of an integer`);
    switch (typeof value) {
    case 'number':
        return GLib.Variant.new_double(value);
    case 'bigint':
        // Numbers are all that gjs passes on, so beyond their precision the text is parsed.
        return GLib.Variant.parse(new GLib.VariantType('x'), value.toString(), null, null);
    case 'boolean':
        return GLib.Variant.new_boolean(value);
    case 'string':
        return GLib.Variant.new_string(value);
    default:
        return value instanceof GLib.Variant ? value : null;
    }
}

// The other way. An integer beyond the precision of a number is a BigInt.
function unpack(variant) {
    if (!['x', 't'].includes(variant.get_type_string()))
        return variant.recursiveUnpack();
    const text = variant.print(false);
    return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

function isPlain(value) {
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function entriesOf(path, value) {
    if (Array.isArray(value) || value instanceof Map)
        return value.entries();
    if (value === null || typeof value !== 'object' || !isPlain(value))
        return refuse(path, value);
    return Object.entries(value);
}

// Yields [path, tensor or variant, shard or null] of everything that a value is made of.
function* leaves(value, path = '', parents = []) {
    const variant = toVariant(value);
    if (variant || value instanceof Sng.Tensor) {
        yield [path, variant ?? value, null];
    } else if (ArrayBuffer.isView(value)) {
        yield [path, Sng.Tensor.new_from_bytes(dtypeOf(value), [value.length], toBytes(value)), null];
    } else if (value instanceof Sng.StateDict) {
        for (const name of value.dup_names())
            yield [join(path, name), value.lookup_tensor(name) ?? value.lookup_value(name), value.lookup_shard(name)];
    } else if (value instanceof Sng.Stateful) {
        yield* leaves(value.get_state(), path, parents);
    } else {
        if (parents.includes(value))
            throw new TypeError(`${path} refers to what it is in: a state has no circles`);
        for (const [key, part] of entriesOf(path, value))
            yield* leaves(part, join(path, `${key}`), [...parents, value]);
    }
}

function join(path, name) {
    if (name === '')
        throw new TypeError(`${path || 'the object'} has an entry with an empty name`);
    return path === '' ? name : `${path}.${name}`;
}

// Sets entries of a dictionary, each of them once.
function fill(state, entries) {
    const seen = new Set();
    for (const [name, leaf, shard] of entries) {
        if (seen.has(name))
            throw new TypeError(`${name} is there twice: once as a name with a dot, once as an object in an object`);
        seen.add(name);
        if (shard)
            state.set_shard(name, leaf, shard);
        else if (leaf instanceof Sng.Tensor)
            state.set_tensor(name, leaf);
        else
            state.set_value(name, leaf);
    }
    return state;
}

function assign(state, object) {
    const entries = [...leaves(object)];
    if (entries.some(([name]) => name === ''))
        refuse('', object);
    return fill(state, entries);
}

function nest(object, path, value) {
    const keys = path.split('.');
    const last = keys.pop();
    let node = object;
    for (const key of keys) {
        if (!Object.hasOwn(node, key))
            Object.defineProperty(node, key, {value: {}, configurable: true, enumerable: true, writable: true});
        node = node[key];
    }
    if (!isObject(node) || Object.hasOwn(node, last))
        throw new TypeError(`${path} cannot be nested: a part of its name names an entry, too. Take toObject()`);
    Object.defineProperty(node, last, {value, configurable: true, enumerable: true, writable: true});
}

function isObject(value) {
    return value !== null && typeof value === 'object' && isPlain(value);
}

// An object with the keys 0, 1, 2, … was an array.
function withArrays(value) {
    if (!isObject(value))
        return value;
    const entries = Object.entries(value).map(([key, part]) => [key, withArrays(part)]);
    return entries.length > 0 && entries.every(([key], i) => key === `${i}`)
        ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

function init(namespace) {
    Sng = namespace;
    const {StateDict, Tensor} = Sng;

    // A tensor of its own with a copy of a typed array, in one dimension where there is no shape.
    Tensor.from = function (array, shape = [array.length]) {
        if (!ArrayBuffer.isView(array))
            throw new TypeError(`${show(array)} is no typed array: pass a Float32Array, an Int32Array, …`);
        const tensor = Tensor.new(dtypeOf(array), shape, null);
        tensor.set_bytes(toBytes(array));
        return tensor;
    };

    // A typed array with a copy of the elements, in the order of rows.
    Tensor.prototype.toTypedArray = function () {
        const name = Object.keys(ARRAYS).find(key => Sng.Dtype[key] === this.get_dtype());
        if (!name)
            throw new TypeError(`JavaScript has no array for ${this.describe()}: dup_values() returns its elements as numbers`);
        return new ARRAYS[name](Uint8Array.from(this.dup_bytes().toArray()).buffer);
    };

    // A dictionary of what an object holds. The names of objects in objects are joined by dots.
    StateDict.from = function (object) {
        return assign(new StateDict(), object);
    };

    // Sets entries, and returns the dictionary.
    StateDict.prototype.assign = function (object) {
        return assign(this, object);
    };

    // A tensor, or an unpacked value, or undefined where the name is not there.
    StateDict.prototype.lookup = function (name) {
        const value = this.lookup_value(name);
        return value ? unpack(value) : this.lookup_tensor(name) ?? undefined;
    };

    // {name: tensor or unpacked value}
    StateDict.prototype.toObject = function () {
        return Object.fromEntries(this);
    };

    // The same with an object or an array for each dot in a name, as StateDict.from() takes them.
    StateDict.prototype.toNestedObject = function () {
        const object = {};
        for (const [name, value] of this)
            nest(object, name, value);
        return withArrays(object);
    };
}
