"""Which CBOR a process speaks: that of cbor2 where it is installed and compiled, more than twice as fast, otherwise that of cbor.py.

The two mean the same by Python's own types and not by all: cbor2 has tags of its own for sets, decimals, UUIDs and days, and of
two keys that are equal in Python it keeps one; and it knows no bounds. What is longer than 64 KiB it reads in pieces, and some of
its versions read it wrongly, or beyond their memory. So it writes what is made of the former alone, within ours, and reads what
the gateway says is plain. All else, and everything where cbor2 has an error to tell, is cbor.py's.
"""
from builtins import *
import datetime
import importlib.machinery
import types

from . import cbor

_containers = frozenset((list, tuple, dict))
_scalars = frozenset((str, int, float, bool, type(None), bytes, datetime.datetime))
_sized = frozenset((str, bytes))
_text = frozenset((str,))
#: Of a message: its arguments are a byte string, which 5.6.0 cannot read where it is longer.
_longest_read = 65_536
#: In characters, so that what cbor2 makes of them, four bytes each at most, is far from the limit of memory: it ends badly there.
_max_size = cbor.max_bytes // 4


def compiled_cbor2(library, folder):
    """Its dumps and loads; None where there is none, or where its name is one of the library's own modules."""
    if library.replace('-', '_') == 'cbor2' or importlib.machinery.PathFinder.find_spec('cbor2', [folder]) is not None:
        return None
    try:
        from cbor2 import dumps, loads
    except Exception:
        return None
    # Without its compiled part it is slower than cbor.py.
    return (dumps, loads) if type(dumps) is type(loads) is types.BuiltinFunctionType else None


class Codec:
    """Of cbor.py alone."""
    #: A message of the gateway, and arguments that are plain: no dates, no objects, nothing left out, no long texts, all keys text.
    decode = decode_plain = staticmethod(cbor.decode)
    decode_arguments = staticmethod(cbor.decode_arguments)
    #: What a function returned, which may be anything.
    encode = staticmethod(cbor.encode)


class CompiledCodec(Codec):
    def __init__(self, dumps, loads):
        self._dumps = dumps
        self.decode_plain = loads

    def decode(self, data):
        return cbor.decode(data) if len(data) > _longest_read else self.decode_plain(data)

    def encode(self, value, refer=None):
        if type(value) in _containers and _is_plain(value):
            try:
                # A date without a time zone is an error here.
                encoded = self._dumps(value, datetime_as_timestamp=True)
            except BaseException:
                # Also of what Rust calls a panic.
                pass
            else:
                if len(encoded) <= cbor.max_bytes and b'\xc2\x5a' not in encoded and b'\xc3\x5a' not in encoded:
                    return encoded
                # It takes too much, or an integer may: one of 64 KiB and more begins so.
        return cbor.encode(value, refer)


def codec_for(library, folder):
    found = compiled_cbor2(library, folder)
    return Codec() if found is None else CompiledCodec(*found)


def _is_plain(value):
    """Made of Python's own types, no subclasses, with text for keys, and within bounds. Looks at one level after the other."""
    items, size, level = 1, 0, [value]
    for _ in range(cbor.max_depth):
        inner = []
        for container in level:
            items += len(container)
            members = container
            if type(container) is dict:
                if not _text.issuperset(map(type, container)):
                    return False
                items += len(container)
                size += len(''.join(container))
                members = container.values()
            size += sum([len(member) for member in members if type(member) in _sized])
            if items > cbor.max_items or size > _max_size:
                return False
            if not _scalars.issuperset(map(type, members)):
                found = [member for member in members if type(member) not in _scalars]
                if not _containers.issuperset(map(type, found)):
                    return False
                inner += found
        if not inner:
            return True
        level = inner
    return False
