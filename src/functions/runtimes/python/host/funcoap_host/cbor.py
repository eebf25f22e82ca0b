"""CBOR (RFC 8949) as the gateway and a Python process speak it, of the standard library alone.

Encoding takes anything that a function may return. In this order: what CBOR has a type for; Enum, UUID, Decimal,
dates and times, dataclasses; mappings; what can be iterated (an array: lazily, as it comes); numpy's own values;
what has a text of its own. Anything else is Unencodable, with a sentence that says why.
Floats are 64 bits wide and members stand in their own order: the gateway makes the deterministic form for peers.

Decoding takes what the gateway sends, which is well-formed. undefined is None, tag 1 a datetime with a time zone,
maps are dicts; what Python cannot hold (two keys that are equal here, dates after the year 9999) is a ValueError.
"""
from builtins import *
import datetime
import enum
import operator
import struct
import types
from collections.abc import Iterable, Mapping

max_depth = 128
#: The gateway makes the deterministic form of it in its own thread: larger results are to come in pieces.
max_bytes = 16 * 1024 * 1024
max_items = 1_000_000
#: Arithmetic on larger ones is quadratic, in the gateway too.
max_integer_bytes = 65_536

#: Around the path of an object: ../../../../../cbor/reference-tag.ts.
_reference_tag = 39

_pack_double = struct.Struct('>Bd').pack
_pack_32 = struct.Struct('>BI').pack
_pack_64 = struct.Struct('>BQ').pack
_epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Unencodable(Exception):
    """A value that has no form in CBOR."""


class _Encoder:
    def __init__(self, refer=None):
        self.refer = refer
        self.out = bytearray()
        self.open = []
        self.items = 0

    def head(self, major, n):
        out = self.out
        if n < 24:
            out.append(major | n)
        elif n < 0x100:
            out.append(major | 24)
            out.append(n)
        elif n < 0x10000:
            out.append(major | 25)
            out += n.to_bytes(2, 'big')
        elif n < 0x100000000:
            out += _pack_32(major | 26, n)
        else:
            out += _pack_64(major | 27, n)

    def put(self, value):
        put = _by_type.get(type(value))
        if put is None:
            self.other(value)
        else:
            put(self, value)
        self.items += 1
        if self.items > max_items:
            raise Unencodable(f'The result has more than {max_items} items; return it in pieces.')
        if len(self.out) > max_bytes:
            raise Unencodable(f'The result takes more than {max_bytes} bytes; return it in pieces.')

    def none(self, _value):
        self.out.append(0xf6)

    def boolean(self, value):
        self.out.append(0xf5 if value else 0xf4)

    def integer(self, value):
        major = 0
        if value < 0:
            major = 0x20
            value = -1 - value
        if value < 0x10000000000000000:
            self.head(major, value)
        else:
            if value.bit_length() > 8 * max_integer_bytes:
                raise Unencodable(f'An integer takes more than {max_integer_bytes} bytes; return it as text.')
            # RFC 8949 §3.4.3: tags 2 and 3, no leading zeros.
            self.out.append(0xc3 if major else 0xc2)
            self.bytes(value.to_bytes((value.bit_length() + 7) // 8, 'big'))

    def float(self, value):
        self.out += _pack_double(0xfb, value)

    def text(self, value):
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            # UTF-8 has no lone surrogates; halves of a pair that stand together are one character.
            encoded = value.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').encode()
        self.head(0x60, len(encoded))
        self.out += encoded

    def bytes(self, value):
        view = memoryview(value)
        self.head(0x40, view.nbytes)
        self.out += view.tobytes() if view.nbytes else b''

    def datetime(self, value):
        try:
            seconds = value.timestamp() if value.tzinfo is None else (value - _epoch).total_seconds()
        except (OverflowError, ValueError, OSError):
            self.text(value.isoformat())
            return
        self.out.append(0xc1)
        self.float(seconds)

    def enter(self, container):
        if any(container is outer for outer in self.open):
            raise Unencodable('The result contains itself; return a copy without the cycle.')
        if len(self.open) >= max_depth:
            raise Unencodable(f'The result is nested deeper than {max_depth} levels; return flatter data.')
        self.open.append(container)

    def array(self, value):
        self.enter(value)
        self.head(0x80, len(value))
        count = 0
        for item in value:
            self.put(item)
            count += 1
        self.settled(count, value)
        self.open.pop()

    def map(self, value):
        self.enter(value)
        self.head(0xa0, len(value))
        count = 0
        put_key = self.put if self.refer is None else self.key
        for key in value:
            put_key(key)
            self.put(value[key])
            count += 1
        self.settled(count, value)
        self.open.pop()

    def key(self, value):
        """References are values, and never the keys of them."""
        refer, self.refer = self.refer, None
        self.put(value)
        self.refer = refer

    def members(self, owner, members):
        self.enter(owner)
        self.head(0xa0, len(members))
        for name, member in members:
            self.put(name)
            self.put(member)
        self.open.pop()

    def settled(self, count, value):
        """A class may say one length and give another number of items."""
        if count != len(value):
            raise Unencodable(f'A {type(value).__name__} changed while it was read; return a copy.')

    def set(self, value):
        """Equal sets are equal arrays, whatever order this process has them in."""
        try:
            items = sorted(value)
            # Of sets and NaN some are neither less nor greater.
            is_ordered = all(map(operator.lt, items, items[1:]))
        except TypeError:
            is_ordered = False
        self.array(items if is_ordered else sorted(value, key=lambda item: encode(item, self.refer)))

    def iterable(self, value):
        """Written as it comes, so that rows are never in memory twice: RFC 8949 §3.2.2, ends with a break."""
        self.enter(value)
        self.out.append(0x9f)
        for item in value:
            self.put(item)
        self.out.append(0xff)
        self.open.pop()

    def other(self, value):
        path = None if self.refer is None else self.refer(value)
        if path is not None:
            self.head(0xc0, _reference_tag)
            self.text(path)
            return
        form = _form_of(type(value))
        if form is None:
            raise Unencodable(
                f'A {type(value).__qualname__} cannot be carried; return plain data or a dataclass, or give it a __str__.')
        form(self, value)


def _fields(encoder, value):
    encoder.members(value, [(name, getattr(value, name)) for name in type(value).__dataclass_fields__ if hasattr(value, name)])


def _row(encoder, value):
    """sqlite3.Row and the like: keys and values by name, without being a mapping."""
    encoder.members(value, [(key, value[key]) for key in value.keys()])


def _named(encoder, value):
    encoder.text(f'[{"class" if isinstance(value, type) else "function"} {getattr(value, "__name__", "?")}]')


def _form_of(kind):
    """How a value of another type than those of the table is written; the order is that of the module's header."""
    if issubclass(kind, enum.Enum):
        return lambda encoder, value: encoder.put(value.value)
    for base in (bool, int, float, str, bytes, bytearray, memoryview, datetime.datetime):
        if issubclass(kind, base):
            # A subclass may have its own idea of its operators.
            if base in (int, float, str):
                return lambda encoder, value: _by_type[base](encoder, base.__pos__(value) if base is not str else str.__str__(value))
            return _by_type[base]
    if issubclass(kind, (datetime.date, datetime.time)):
        return lambda encoder, value: encoder.text(value.isoformat())
    if issubclass(kind, datetime.timedelta):
        return lambda encoder, value: encoder.float(value.total_seconds())
    if hasattr(kind, '__dataclass_fields__'):
        return _fields
    if issubclass(kind, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)):
        return _named
    if issubclass(kind, (list, tuple)):
        return _Encoder.array
    if issubclass(kind, (set, frozenset)):
        return _Encoder.set
    if issubclass(kind, Mapping):
        return _Encoder.map
    if hasattr(kind, 'tolist'):
        return lambda encoder, value: encoder.put(value.tolist())
    if hasattr(kind, 'keys') and hasattr(kind, '__getitem__'):
        return _row
    if hasattr(kind, '__fspath__'):
        return lambda encoder, value: encoder.put(value.__fspath__())
    if issubclass(kind, Iterable):
        return _Encoder.iterable
    if kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__:
        return lambda encoder, value: encoder.text(str(value))
    return None


_by_type = {
    type(None): _Encoder.none,
    bool: _Encoder.boolean,
    int: _Encoder.integer,
    float: _Encoder.float,
    str: _Encoder.text,
    bytes: _Encoder.bytes,
    bytearray: _Encoder.bytes,
    memoryview: _Encoder.bytes,
    datetime.datetime: _Encoder.datetime,
    list: _Encoder.array,
    tuple: _Encoder.array,
    dict: _Encoder.map,
    set: _Encoder.set,
    frozenset: _Encoder.set,
}


def encode(value, refer=None):
    """The bytes of one value. Raises Unencodable, and whatever the code of a lazy value raises.

    refer: the path of a value that is an object of the library, None where it is data.
    """
    encoder = _Encoder(refer)
    encoder.put(value)
    return bytes(encoder.out)


def decode(data):
    """The value of exactly one item."""
    value, end = _item(data, 0)
    if end != len(data):
        raise ValueError('bytes are left over after a value')
    return value


class Omitted:
    """Stands for an argument that was not given, which the gateway writes as undefined."""


omitted = Omitted()


class Reference:
    """Stands for an object of the library, in an argument that is to be one."""
    __slots__ = ('number',)

    def __init__(self, path):
        self.number = path[len('/o/'):]


def decode_arguments(data):
    """The items of an array; undefined, which is None everywhere else, is `omitted` here."""
    count, at = (data[0] & 31, 1) if data[0] < 0x98 else (int.from_bytes(data[1:1 + _widths[data[0] & 31]], 'big'),
                                                          1 + _widths[data[0] & 31])
    items = []
    for _ in range(count):
        if data[at] == 0xf7:
            item, at = omitted, at + 1
        else:
            item, at = _item(data, at)
        items.append(item)
    return items


_widths = {24: 1, 25: 2, 26: 4, 27: 8}
_simple = {0xf4: False, 0xf5: True, 0xf6: None, 0xf7: None}
_unpack_half = struct.Struct('>e').unpack_from
_unpack_single = struct.Struct('>f').unpack_from
_unpack_double = struct.Struct('>d').unpack_from


def _item(data, at):
    initial = data[at]
    at += 1
    if initial >= 0xe0:
        if initial == 0xfb:
            return _unpack_double(data, at)[0], at + 8
        if initial == 0xfa:
            return _unpack_single(data, at)[0], at + 4
        if initial == 0xf9:
            return _unpack_half(data, at)[0], at + 2
        return _simple[initial], at
    n = initial & 31
    if n > 23:
        width = _widths[n]
        n = int.from_bytes(data[at:at + width], 'big')
        at += width
    major = initial >> 5
    if major == 0:
        return n, at
    if major == 3:
        return str(data[at:at + n], 'utf-8'), at + n
    if major == 4:
        items = []
        for _ in range(n):
            item, at = _item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        return _map(data, at, n)
    if major == 2:
        return bytes(data[at:at + n]), at + n
    if major == 1:
        return -1 - n, at
    content, at = _item(data, at)
    return _tagged(n, content), at


def _map(data, at, count):
    members = {}
    for _ in range(count):
        key, at = _item(data, at)
        if type(key) is list:
            key = _key(key)
        elif type(key) is dict:
            raise ValueError('a map is the key of a map, which Python has no form for')
        members[key], at = _item(data, at)
    if len(members) != count:
        raise ValueError('two keys of a map are the same in Python, such as 1 and true')
    return members, at


def _key(items):
    if any(type(item) is dict for item in items):
        raise ValueError('a map is in the key of a map, which Python has no form for')
    return tuple(_key(item) if type(item) is list else item for item in items)


def _tagged(tag, content):
    if tag == 1:
        try:
            # The gateway's dates are of milliseconds, which a float of seconds does not hold exactly.
            return _epoch + datetime.timedelta(milliseconds=round(content * 1000))
        except OverflowError:
            raise ValueError('a date is before the year 1 or after 9999, which Python has no form for') from None
    if tag == _reference_tag:
        return Reference(content)
    n = int.from_bytes(content, 'big')
    return n if tag == 2 else -1 - n
