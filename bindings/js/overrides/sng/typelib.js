// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the typelib says of the library's classes and their functions.

/* exported classes, methods, vfuncs */

imports.gi.versions.GIRepository = '2.0';
const {GIRepository: GI, GObject} = imports.gi;

const repository = GI.Repository.get_default();

function* members(info, kind) {
    const prefix = {[GI.InfoType.OBJECT]: 'object', [GI.InfoType.INTERFACE]: 'interface'}[info.get_type()];
    const n = prefix ? GI[`${prefix}_info_get_n_${kind}s`](info) : 0;
    for (let i = 0; i < n; i++)
        yield GI[`${prefix}_info_get_${kind}`](info, i);
}

// The names of all classes and interfaces.
function classes() {
    return Array.from({length: repository.get_n_infos('Sng')}, (_, i) => repository.get_info('Sng', i))
        .filter(info => [GI.InfoType.OBJECT, GI.InfoType.INTERFACE].includes(info.get_type())).map(info => info.get_name());
}

function typeName(type) {
    return GI.type_info_get_tag(type) === GI.TypeTag.INTERFACE ? GI.type_info_get_interface(type).get_name() : null;
}

function parameters(info) {
    return Array.from({length: GI.callable_info_get_n_args(info)}, (_, i) => GI.callable_info_get_arg(info, i));
}

// The methods of a class: {name, mayThrow, takesCancellable}: whether it, or what it calls, may throw, and whether a
// cancellable is the last parameter.
function methods(className) {
    const info = repository.find_by_name('Sng', className);
    const virtual = [...members(info, 'vfunc')].map(vfunc => vfunc.get_name());
    const isMethod = info => GI.function_info_get_flags(info) & GI.FunctionInfoFlags.IS_METHOD;
    return [...members(info, 'method')].filter(isMethod).map(method => ({
        name: method.get_name(),
        mayThrow: GI.callable_info_can_throw_gerror(method) || virtual.includes(method.get_name()),
        takesCancellable: parameters(method).map(arg => typeName(GI.arg_info_get_type(arg))).at(-1) === 'Cancellable',
    }));
}

function describeVfunc(info) {
    const type = GI.callable_info_get_return_type(info);
    const outputs = parameters(info).filter(arg => GI.arg_info_get_direction(arg) !== GI.Direction.IN);
    return {
        name: info.get_name(),
        canFail: GI.callable_info_can_throw_gerror(info),
        returnsBoolean: GI.type_info_get_tag(type) === GI.TypeTag.BOOLEAN,
        returnsType: typeName(type),
        nOutputs: outputs.length,
    };
}

// The functions that a class, which is about to be registered, can override: a map from their names.
function vfuncs(klass) {
    const types = [...klass[GObject.interfaces] ?? []].map(iface => iface.$gtype);
    for (let type = Object.getPrototypeOf(klass).$gtype; type; type = GObject.type_parent(type))
        types.push(type, ...GObject.type_interfaces(type));

    const found = new Map();
    for (const info of types.map(type => repository.find_by_gtype(type))) {
        if (info?.get_namespace() !== 'Sng')
            continue;
        for (const vfunc of members(info, 'vfunc')) {
            if (!found.has(vfunc.get_name()))
                found.set(vfunc.get_name(), describeVfunc(vfunc));
        }
    }
    return found;
}
