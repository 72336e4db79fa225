#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds sng_safetensors_save() and sng_safetensors_load() against the format's reference implementation, which is written
in Rust: the same bytes are written, the same files are read, and the same files are refused."""

import ctypes
import math
import os
import random
import struct
import sys
import tempfile
import unittest

import gi
gi.require_version("Sng", "1.0")
from gi.repository import GLib, Sng
import tap

try:
    import numpy
    import safetensors
    from safetensors import TensorSpec
except ImportError as reason:
    print(f"1..0 # SKIP {reason}; {tap.NEEDS_TORCH}")
    sys.exit(0)

SEED = 20261128
LIMIT = 100_000_000  # bytes of a header

# What the reference implementation's Python API calls each dtype. F4 is the only other one that it writes; F6_E2M3 and
# F6_E3M2 it only reads.
DTYPES = {
    "F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool", "U16": "uint16", "U32": "uint32", "U64": "uint64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "C64": "complex64",
}

NAMES = [
    "b", "a", "B", "a.b", "a10", "a2", " ", "  x ", "a/b\\c", '"', '"quoted"', "\\", "\\u0041", "\x01", "\x1f", "\x7f",
    "\b\t\n\v\f\r", "".join(map(chr, range(1, 32))), "'", "\x80", "\x9f", "\xa0", "é", "e\u0301", "ß", "Größe", "日本",
    "𝄞", "😀🏳️‍🌈", "\u200b", "\u2028\u2029", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "مرحبا", "\u202eabc", "null", "true", "{}",
    '{"dtype":"F32"}', "__metadata", "__metadata___", "__METADATA__", "dtype", "x" * 255, "日" * 5000, "\n" * 3000, "y" * 100000,
]

METADATA = [
    None, {}, {"format": "pt"}, {"": ""}, {"": "x"}, {"k": ""}, {'a"b': 'c"d\\'}, {"\x01\n\x7f": "\t\x1f"},
    {"schlüssel": "日本 𝄞"}, {"__metadata__": "{}"}, {"long": "z" * 70000}, {"json": '{"a": [1, 2]}'},
    {"b": "1", "a": "2"}, {"a": "1", "a.b": "2", "a b": "3", "A": "4", "é": "5", "日": "6", "𝄞": "7", "\uffff": "8", "": "9"},
    {f"key {i}": f"value {i}" * (i % 5) for i in range(100)},
]


class Input:
    """Tensors as {name: (dtype, shape, bytes)}, and the metadata."""

    def __init__(self, tensors, metadata=None):
        self.tensors = tensors
        self.metadata = metadata


def get_size(dtype):
    return Sng.Dtype.get_size(getattr(Sng.Dtype, dtype))


def make_tensor(rng, dtype, shape):
    data = rng.randbytes(math.prod(shape) * get_size(dtype))
    return dtype, list(shape), bytes(byte & 1 for byte in data) if dtype == "BOOL" else data


def make_shape(rng, n_dims):
    return [rng.choice((0, 1, 1, 2, 2, 3, 5)) for _ in range(n_dims)]


def make_name(rng):
    if rng.random() < 0.3:
        return rng.choice(NAMES)
    return "".join(rng.choice("abcXYZ.019_-/ \"\\\n\té日𝄞") for _ in range(rng.randint(1, 24)))


def make_mix(rng, n_tensors):
    return {make_name(rng): make_tensor(rng, rng.choice(list(DTYPES)), make_shape(rng, rng.randint(0, 6)))
            for _ in range(n_tensors)}


def write_rust(tensors, metadata):
    keep, specs = [], {}
    for name, (dtype, shape, data) in tensors.items():
        buffer = ctypes.create_string_buffer(data, max(len(data), 1))
        keep.append(buffer)
        specs[name] = TensorSpec(dtype=DTYPES[dtype], shape=shape, data_ptr=ctypes.addressof(buffer), data_len=len(data))
    return bytes(safetensors.serialize(specs, metadata))


def split(contents):
    length, = struct.unpack("<Q", contents[:8])
    return contents[8:8 + length], contents[8 + length:]


def join(header, data=b"", padded=False):
    header = header.encode() if isinstance(header, str) else header
    if padded:
        header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def write_sorted(given):
    """The file of the reference implementation. It puts several keys of metadata in an order that is another one each time:
    then each is written alone by it, and they are put together in the order of their bytes."""
    if not given.tensors and given.metadata == {}:  # see test_nothing_but_empty_metadata
        return join('{"__metadata__":{}}', padded=True)
    if given.metadata is None or len(given.metadata) < 2:
        return write_rust(given.tensors, given.metadata)
    header, data = split(write_rust(given.tensors, None))
    pairs = [split(write_rust({}, {key: given.metadata[key]}))[0].rstrip(b" ")[len(b'{"__metadata__":{'):-len(b"}}")]
             for key in sorted(given.metadata, key=str.encode)]
    rest = header.rstrip(b" ")[1:]
    return join(b'{"__metadata__":{' + b",".join(pairs) + b"}" + (b"" if rest == b"}" else b",") + rest, data, padded=True)


def write_sng(path, given):
    state = Sng.StateDict.new()
    for name, (dtype, shape, data) in given.tensors.items():
        state[name] = Sng.Tensor.new_from_bytes(getattr(Sng.Dtype, dtype), shape, GLib.Bytes.new(data))
    metadata = None if given.metadata is None else GLib.Variant("a{ss}", given.metadata)
    Sng.safetensors_save(path, state, metadata)
    with open(path, "rb") as file:
        return file.read()


def read_sng(path):
    state, metadata = Sng.safetensors_load(path)
    tensors = {name: (Sng.Dtype.get_name(state[name].get_dtype()), list(state[name].get_shape()),
                      state[name].dup_bytes().get_data() or b"") for name in state}
    return tensors, None if metadata is None else metadata.unpack()


def read_rust(path, contents):
    """All that the file holds, or None where either of the two ways to read it refuses."""
    try:
        tensors = {name: (tensor["dtype"], list(tensor["shape"]), bytes(tensor["data"]))
                   for name, tensor in safetensors.deserialize(contents)}
    except safetensors.SafetensorError:
        tensors = None
    try:
        with safetensors.safe_open(path, "numpy") as file:
            metadata = file.metadata()
    except safetensors.SafetensorError:
        assert tensors is None, "the two ways do not agree"
        return None
    return tensors, metadata


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "a.safetensors")
        self.addCleanup(self.directory.cleanup)

    def write(self, contents):
        with open(self.path, "wb") as file:
            file.write(contents)


class ValidTest(Case):
    n_inputs = 0

    def check(self, given, damage=lambda contents: contents):
        """There and back, against the reference. The damage is to show that nothing goes unseen."""
        ValidTest.n_inputs += 1
        expected = write_sorted(given)
        self.assertTrue(damage(write_sng(self.path, given)) == expected, "the files differ")
        self.assertEqual(read_rust(self.path, expected), (given.tensors, given.metadata))

        theirs = write_rust(given.tensors, given.metadata) if given.tensors or given.metadata != {} else expected
        self.write(damage(theirs))
        tensors, metadata = read_sng(self.path)
        self.assertEqual(tensors, given.tensors)
        self.assertEqual(metadata, given.metadata)
        return list(tensors)

    def test_every_dtype_and_number_of_dimensions(self):
        rng = random.Random(SEED)
        for dtype in DTYPES:
            for n_dims in range(7):
                with self.subTest(dtype=dtype, n_dims=n_dims):
                    shape = [rng.randint(1, 4) for _ in range(n_dims)]
                    self.check(Input({"t": make_tensor(rng, dtype, shape)}))

    def test_empty(self):
        rng = random.Random(SEED)
        self.check(Input({}))
        self.check(Input({}, {}))
        for shape in [0], [0, 3], [3, 0], [0, 0, 0], [2, 0, 4, 1], [1, 1, 0, 2 ** 40], [0] * 32:
            for dtype in "F64", "U8", "C64", "F8_E8M0":
                self.check(Input({"t": make_tensor(rng, dtype, shape)}))
        self.check(Input({f"{i}": make_tensor(rng, "I16", [i % 2]) for i in range(9)}))

    def test_nothing_but_empty_metadata(self):
        """The reference implementation ends the object before its only member. It does not read that, and neither do we."""
        contents = write_rust({}, {})
        if split(contents)[0].rstrip() == b'{"__metadata__":{}}':
            self.skipTest("safetensors writes what can be read")
        self.write(contents)
        self.assertIsNone(read_rust(self.path, contents))
        with self.assertRaisesRegex(GLib.Error, "something follows the JSON object at byte 2"):
            Sng.safetensors_load(self.path)

    def test_every_padding_of_the_header(self):
        rng = random.Random(SEED)
        paddings = set()
        for length in range(1, 17):
            given = Input({"n" * length: make_tensor(rng, "F32", [2])})
            paddings.add(len(split(write_sorted(given))[0].rstrip(b" ")) % 8)
            self.check(given)
        self.assertEqual(len(paddings), 8)

    def test_names(self):
        rng = random.Random(SEED)
        for name in NAMES:
            with self.subTest(name=name[:40]):
                self.check(Input({name: make_tensor(rng, "I8", [3])}))
        # Of one dtype, so that the names alone make the order.
        shuffled = rng.sample(NAMES, len(NAMES))
        read = self.check(Input({name: make_tensor(rng, "I8", [3]) for name in shuffled}))
        self.assertEqual(read, sorted(NAMES, key=str.encode))

    def test_order_of_dtypes(self):
        rng = random.Random(SEED)
        for _ in range(10):
            dtypes = rng.sample(list(DTYPES), len(DTYPES))
            self.check(Input({f"{i:02}": make_tensor(rng, dtype, [2]) for i, dtype in enumerate(dtypes)}))

    def test_metadata(self):
        rng = random.Random(SEED)
        for metadata in METADATA:
            self.check(Input({}, metadata))
            self.check(Input({"t": make_tensor(rng, "BF16", [2, 2])}, metadata))

    def test_many_tensors(self):
        rng = random.Random(SEED)
        self.check(Input({f"layer.{i}.weight": make_tensor(rng, rng.choice(list(DTYPES)), [rng.randint(0, 3)])
                          for i in range(3000)}))

    def test_mixes(self):
        rng = random.Random(SEED)
        for i in range(60):
            with self.subTest(i=i):
                self.check(Input(make_mix(rng, rng.randint(0, 30)), rng.choice(METADATA)))

    def test_z_number_of_inputs(self):
        self.assertGreaterEqual(ValidTest.n_inputs, 200)

    def test_file_is_what_is_serialized(self):
        rng = random.Random(SEED)
        buffer = ctypes.create_string_buffer(rng.randbytes(64), 64)
        spec = TensorSpec(dtype="float32", shape=[4, 4], data_ptr=ctypes.addressof(buffer), data_len=64)
        safetensors.serialize_file({"t": spec}, self.path, {"k": "v"})
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), bytes(safetensors.serialize({"t": spec}, {"k": "v"})))
        self.assertEqual(read_sng(self.path), ({"t": ("F32", [4, 4], buffer.raw)}, {"k": "v"}))

    def test_check_sees_damage(self):
        rng = random.Random(SEED)
        given = Input({"a": make_tensor(rng, "F32", [3]), "b": make_tensor(rng, "F32", [3])}, {"k": "v"})
        self.check(given)
        for old, new in (b'"a":', b'"c":'), (b"F32", b"I32"), (b'"k"', b'"l"'), (b'"v"', b'"w"'), (b"[3]", b"[3 ]"):
            with self.assertRaises(AssertionError):
                self.check(given, lambda contents: contents.replace(old, new, 1))
        with self.assertRaises(AssertionError):
            self.check(given, lambda contents: contents[:-1] + bytes([contents[-1] ^ 1]))


def describe(dtype='"U8"', shape="[8]", offsets="[0,8]", more=""):
    return f'{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}'


def one(**members):
    return '{"a":' + describe(**members) + "}"


def nest(n):
    return "[" * n + "]" * n


DATA = bytes(range(8))

VALUES = ["null", "true", "0", "-1", "1.5", '""', '"x"', '"\\ud800"', '"\\u0000"', "[]", "{}", "[[]]", "01", "1e999", "1e-999", "-0",
          "123456789012345678901234567890", "tru", "nul", "nulll", "'x'", "", "[1,]", "[,1]", "[1 2]", '{"a":1,}', '{"a" 1}', '{"a":1,"a":2}',
          "\x0b", "\u00a0", '"\t"', '"\\x"', '"\\u12g4"', '"\\', "NaN", "Infinity", "/**/1", "0x1", ".5", "5.", "1e", "1e+", "+1",
          '"\\ud834\\udd1e"', '"\\udd1e\\ud834"', nest(124), nest(125), nest(126), nest(5000), "9" * 400, "-", '"\x7f"']

DTYPE_VALUES = VALUES + [f'"{name}"' for name in DTYPES] + [
    '"F4"', '"F6_E2M3"', '"F6_E3M2"', '"f32"', '"U8 "', '"U128"', '"F8"', '"\\u00558"', '{"U8":null}', '{"U8":1}', '["U8"]', '"U8\\u0000"']

NUMBERS = ["0", "1", "7", "8", "9", "-0", "-8", "8.0", "8e0", "08", "00", '"8"', "null", "true", "[8]", "+8", "4294967296", "9223372036854775807",
           "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551624",
           "99999999999999999999999", "1e19", "", " 8 ", "\n8"]

SHAPES = ["8", "null", "{}", '"8"', "[]", "[ ]", "[8", "8]", "[8,]", "[,8]", "[8,1]", "[1,8]", "[2,4]", "[2,2,2]", "[2 4]", "[2,3]", "[8,0]",
          "[" + "1," * 31 + "8]", "[" + "1," * 32 + "8]", "[" + "1," * 500 + "8]"] + [f"[{number}]" for number in NUMBERS]

EMPTY_SHAPES = [f"[{a},{b}]" for a in ("0", "4294967296", "9223372036854775808", "18446744073709551615") for b in NUMBERS
                if "0" in (a, b)] + ["[4294967296,4294967296,0]", "[0,4294967296,4294967296]", "[2305843009213693952,0]",
                                     "[4294967296,0,4294967296]", "[1152921504606846976,16,0]", "[" + "0," * 32 + "0]"]

OFFSETS = ["8", "null", "{}", "[]", "[0]", "[8]", "[0,8,8]", "[0,8,]", '{"0":0,"1":8}', "[8,0]", "[4,4]", "[1,8]", "[0,7]", "[1,9]", "[0,9]",
           "[8,16]", "[0 8]", "[0,8"] + [f"[0,{number}]" for number in NUMBERS] + [f"[{number},8]" for number in NUMBERS]

HEADERS = [
    "", "{}", " {}", "{} ", "\t\r\n{}\n", "{}{}", "{}x", "{}\0", "\0{}", "\f{}", "\u00a0{}", "\ufeff{}", "[]", "null", "1", '""', "{", "}", "{{}}", "{]",
    "{,}", '{"a"}', '{"a":}', "{a:1}", "{'a':1}", "{1:1}", '{"a":1}', '{"a":null}', '{"a":[]}', '{"a":{}}', '{"":{}}', "//\n{}", "{/**/}",
    b"{\"\xff\":1}", b"\xff", b"{\"\xed\xa0\x80\":1}", b"{\"\xc0\x80\":1}", b"{\"\xf4\x90\x80\x80\":1}",
    '{"__metadata__":null}', '{"__metadata__":{}}', '{"__metadata__":[]}', '{"__metadata__":1}', '{"__metadata__":"x"}',
    '{"__metadata__":nul}', '{"__metadata__":{"a":1}}', '{"__metadata__":{"a":null}}', '{"__metadata__":{"a":{}}}', '{"__metadata__":{"a":"b",}}',
    '{"__metadata__":{"":""}}', '{"__metadata__":{"a":"1","a":"2"}}', '{"__metadata__":{"a":"1","a":"1"}}', '{"__metadata__":{"a\\u0000":"b"}}',
    '{"__metadata__":{"a":"\\u0000"}}', '{"__metadata__":{"\\n":"\\ud834\\udd1e"}}', '{"__metadata__":{},"__metadata__":{}}',
    '{"__metadata__":null,"__metadata__":null}', '{"__metadata__":{"a":"b"}} ', '{"\\u005f_metadata__":{"a":"b"}}',
]

TENSORS = [  # headers of files with eight bytes of data
    '{"":%s}' % describe(), '{"\\u0000":%s}' % describe(), '{"a\\u0000b":%s}' % describe(), '{"__metadata__":%s}' % describe(),
    '{"a":%s,}' % describe(), '{"a":%s,"a":%s}' % (describe(), describe()), '{"a":["U8",[8],[0,8]]}', '{"a":["U8",[8],[0,8],1]}', '{"a":["U8",[8]]}',
    '{"a":{"dtype":"U8","shape":[8]}}', '{"a":{"dtype":"U8","data_offsets":[0,8]}}', '{"a":{"shape":[8],"data_offsets":[0,8]}}',
    '{"a":{"data_offsets":[0,8],"shape":[8],"dtype":"U8"}}', '{"a":{"Dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
    '{"a":{"d\\u0074ype":"U8","shape":[8],"data_offsets":[0,8]}}', '{"a":%s,"__metadata__":{"x":"y"}}' % describe(),
    '{"a":%s,"__metadata__":null}' % describe(), '{"a":%s,"b":null}' % describe(), '{"a":%s,"b":%s}' % (describe(), describe(shape="[0]", offsets="[0,0]")),
    '{"a":%s,"b":%s}' % (describe(), describe(shape="[0]", offsets="[8,8]")), '{"a":%s,"b":%s}' % (describe(), describe(shape="[0]", offsets="[4,4]")),
    '{"a":%s,"b":%s}' % (describe(), describe(shape="[0]", offsets="[9,9]")), '{"a":%s,"b":%s}' % (describe(), describe()),
    '{"b":%s,"a":%s}' % (describe(shape="[4]", offsets="[4,8]"), describe(shape="[4]", offsets="[0,4]")),
    '{"a":%s,"a":%s}' % (describe(shape="[4]", offsets="[0,4]"), describe(shape="[4]", offsets="[4,8]")),
    '{"a":%s,"b":%s}' % (describe(shape="[5]", offsets="[0,5]"), describe(shape="[4]", offsets="[4,8]")),
    '{"a":%s,"b":%s}' % (describe(shape="[3]", offsets="[0,3]"), describe(shape="[4]", offsets="[4,8]")),
    '{"a":%s,"b":%s}' % (describe(shape="[3]", offsets="[0,3]"), describe(shape="[4]", offsets="[3,7]")),
    '{"a":%s,"b":%s}' % (describe(dtype='"U16"', shape="[]", offsets="[0,2]"), describe(dtype='"F32"', shape="[]", offsets="[2,6]")),
    '{"a":%s,"b":%s}' % (describe(shape="[1]", offsets="[0,1]"), describe(shape="[7]", offsets="[1,8]")),
]

# Why a file that the reference implementation reads is refused here, by the message.
REASONS = {
    "is there twice": "it takes the last of two, other readers take the first",
    "a tensor without a name is not supported": "an entry of a state dictionary has a name",
    "a string with a zero character": "a string of C has none",
    "its elements do not fill whole bytes": "a tensor has no such elements",
    "are more than the 32 that a tensor may have": "a tensor has no more",
    "is above what a tensor can have": "of an empty tensor; dimensions are of 63 bits",
    "needs more bytes than there can be": "of an empty tensor; strides are of 63 bits",
    "is not described by an object": "its parser takes an array for an object, the format does not",
    "dtype is not a string": "its parser takes {\"U8\":null} for \"U8\", the format does not",
}


def list_files():
    """All files, good and bad, that are made by a rule."""
    for header in HEADERS:
        yield join(header)
        yield join(header, padded=True)
    for header in TENSORS:
        yield join(header, DATA)
    for value in VALUES:
        yield join(one(more=',"x":' + value), DATA)
        yield join(one(more=',"x":[' + value + "]"), DATA)
        yield join(one(more="," + value), DATA)
        yield join('{"a":%s,%s:%s}' % (describe(), value, describe(shape="[0]", offsets="[8,8]")), DATA)
        yield join('{"a":' + value + "}", DATA)
        yield join('{"__metadata__":' + value + "}")
        yield join('{"__metadata__":{"k":' + value + "}}")
    for name in "dtype", "shape", "data_offsets", "x":
        yield join(one(more=f',"{name}":"U8"'), DATA)
    for dtype in DTYPE_VALUES:
        for n in 1, 2, 4, 8, 16:
            yield join(one(dtype=dtype, shape=f"[{n}]"), DATA)
    yield from (join(one(shape=shape), DATA) for shape in SHAPES)
    yield from (join(one(shape=shape, offsets="[0,0]", dtype=dtype)) for shape in EMPTY_SHAPES for dtype in ('"U8"', '"F64"'))
    yield from (join(one(offsets=offsets), DATA) for offsets in OFFSETS)
    yield from (join(one(), bytes(n)) for n in (0, 1, 7, 9, 16, 4096))

    good = join('{"__metadata__":{"k":"v"},"a":%s,"b":%s}' % (describe(), describe('"F32"', "[2,1]", "[8,16]")), 2 * DATA, padded=True)
    yield from (good[:n] for n in range(len(good)))
    yield from (good + bytes(n) for n in (1, 8))
    for length in [0, 1, 7, 8, len(good) - 24, LIMIT, LIMIT + 1, 2 ** 31, 2 ** 32, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 8, 2 ** 64 - 1]:
        yield struct.pack("<Q", length) + good[8:]
    for place in range(len(good)):
        for bit in range(8):
            yield good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1:]


def list_mutations(rng, n):
    """Headers that are mangled at random, with the right length before them."""
    letters = list('{}[]",:0123456789.eE-+ \n\\ut') + ["null", '"a"', '"dtype"', '"shape"', '"U8"', "[0,8]", "[8]", '"__metadata__"', "\\u0000", "é"]
    sources = ['{"a":%s}' % describe(), '{"__metadata__":{"k":"v"},"a":%s}' % describe(more=',"x":[1,{"y":null}]'),
               '{"a":%s,"b":%s}' % (describe(shape="[2,2]", offsets="[0,4]"), describe('"F32"', "[]", "[4,8]"))]
    for _ in range(n):
        text = rng.choice(sources)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            begin = rng.randrange(len(text) + 1)
            end = min(len(text), begin + rng.choice((0, 0, 1, 1, 2, 8)))
            text = text[:begin] + rng.choice(letters + [""] * 10) + text[end:]
        yield join(text, DATA)


class AnyFileTest(Case):
    n_refused = 0
    reasons = set()

    def check(self, contents, expected=None):
        """Whether the reference implementation reads the file, which decides what is expected here."""
        self.write(contents)
        if expected is None:
            expected = read_rust(self.path, contents)
        shown = repr(contents[:300])
        try:
            found = read_sng(self.path)
        except GLib.Error as error:
            self.assertTrue(error.matches(Sng.error_quark(), Sng.Error.INVALID_DATA)
                            or error.matches(Sng.error_quark(), Sng.Error.NOT_SUPPORTED), shown)
            self.assertTrue(error.message.startswith(f"[safetensors][load] {self.path}: "), error.message)
            if expected is None:
                AnyFileTest.n_refused += 1
                return False
            reasons = [reason for reason in REASONS if reason in error.message]
            self.assertTrue(reasons, f"{shown} should be read: {error.message}")
            AnyFileTest.reasons.update(reasons)
            return True

        self.assertIsNotNone(expected, f"{shown} should be refused")
        self.assertEqual(found, expected, shown)
        return True

    def test_made_by_rule(self):
        n_read = sum(self.check(contents) for contents in list_files())
        self.assertGreaterEqual(AnyFileTest.n_refused, 200)
        self.assertGreaterEqual(n_read, 50)
        # None is there that no file asks for.
        self.assertEqual(AnyFileTest.reasons, set(REASONS))

    def test_made_at_random(self):
        n = 5000
        n_read = sum(self.check(contents) for contents in list_mutations(random.Random(SEED), n))
        self.assertGreaterEqual(n_read, n // 50)
        self.assertGreaterEqual(n - n_read, n // 2)

    def test_longest_header(self):
        self.assertTrue(self.check(join(one().ljust(LIMIT), DATA)))
        self.assertFalse(self.check(join(one().ljust(LIMIT + 1), DATA)))

    def test_check_sees_a_wrong_verdict(self):
        good, bad = join(one(), DATA), join(one(), DATA[1:])
        content = {"a": ("U8", [8], DATA)}, None
        self.assertTrue(self.check(good, content))
        for contents, expected in (bad, content), (good, ({"b": content[0]["a"]}, None)), (good, (content[0], {})):
            with self.assertRaises(AssertionError):
                self.check(contents, expected)

    def test_what_no_file_has(self):
        """F4 is written by the reference implementation, but no tensor holds it."""
        buffer = ctypes.create_string_buffer(DATA, len(DATA))
        spec = TensorSpec(dtype="float4_e2m1fn_x2", shape=[8], data_ptr=ctypes.addressof(buffer), data_len=8)
        self.write(bytes(safetensors.serialize({"a": spec})))
        with self.assertRaisesRegex(GLib.Error, "tensor 'a': dtype 'F4' is not supported: its elements do not fill whole bytes"):
            Sng.safetensors_load(self.path)


if __name__ == "__main__":
    tap.main("/sng/python/safetensors")
