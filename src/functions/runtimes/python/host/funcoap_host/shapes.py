"""From a type hint to the type that the gateway checks and describes (description.ts), and to what makes
of a plain value what the hint promises: a dataclass of a map, a set of a list, an Enum member of its value.

A hint that is not understood is `any`, and its value is handed over as it came.
"""
from builtins import *
import collections.abc
import datetime
import enum
import os
import sys
import types
import typing

from . import references
from .cbor import Reference

any_type = {'kind': 'any'}
#: In open_hints: what is described is what a function gives.
_given = object()
#: A whole number of any size, as Python's are.
_integer = {'kind': 'union', 'options': [{'kind': 'integer'}, {'kind': 'bigint'}]}
_text = {'kind': 'string'}
_number = {'kind': 'number'}

_simple = {
    type(None): {'kind': 'null'},
    bool: {'kind': 'boolean'},
    int: _integer,
    str: _text,
    bytes: {'kind': 'bytes'},
    datetime.datetime: {'kind': 'date'},
    object: any_type,
    typing.Any: any_type,
}

_lists = (list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Iterable,
          collections.abc.Collection, collections.abc.Iterator, collections.abc.Generator,
          collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator)
_maps = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_sets = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_unions = tuple(kind for kind in (typing.Union, getattr(types, 'UnionType', None)) if kind is not None)
_literals = (str, int, float, bool, type(None))


def shape_of(hint, open_hints=()):
    """(type, revive): revive is None where the value stays as it is. A recursive hint is `any` where it begins anew."""
    if hint is None:
        hint = type(None)
    try:
        if hint in _simple:
            return _simple[hint], None
    except TypeError:
        return any_type, None
    if any(hint is outer for outer in open_hints):
        return any_type, None
    inner = (*open_hints, hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None:
        return _generic(hint, origin, args, inner)
    if isinstance(hint, type):
        return _class(hint, inner)
    supertype = hint.type if type(hint).__name__ == 'InitVar' else getattr(hint, '__supertype__', None)
    return (any_type, None) if supertype is None else shape_of(supertype, inner)


def result_of(hint):
    """The type of what a function gives, which is never put together from data as an argument is."""
    return shape_of(hint, (_given,))[0]


def _generic(hint, origin, args, inner):
    if origin in _unions:
        return _union([shape_of(arg, inner) for arg in args])
    if origin is typing.Literal:
        known = all(type(value) in _literals for value in args)
        return (_one_of(args), None) if known else (any_type, None)
    if origin is getattr(typing, 'Annotated', None):
        return shape_of(args[0], inner)
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return _tuple([shape_of(arg, inner) for arg in args if arg != ()], tuple)
    if origin in _sets or origin is tuple or origin in _lists:
        kind, revive = shape_of(args[0], inner) if args else (any_type, None)
        made = tuple if origin is tuple else frozenset if origin is frozenset else set if origin in _sets else None
        return {'kind': 'array', 'items': kind}, _items(revive, made)
    if origin in _maps:
        key, kind, revive = args[0], *shape_of(args[1], inner)
        if key is not str:
            return any_type, None
        return {'kind': 'object', 'properties': {}, 'additional': kind}, _values(revive)
    return any_type, None


def _class(hint, inner):
    name = references.class_names.get(hint)
    if name is not None:
        instance = {'kind': 'instance', 'class': name}, references.ids.argument
        is_record = (hasattr(hint, '__dataclass_fields__') and not getattr(hint, '__abstractmethods__', None)
                     and not any(outer is _given for outer in inner))
        return _union([instance, _dataclass(hint, inner)]) if is_record else instance
    if issubclass(hint, enum.Enum):
        return _one_of([member.value for member in hint]), hint
    if hasattr(hint, '__dataclass_fields__'):
        return _dataclass(hint, inner)
    if typing.is_typeddict(hint) if hasattr(typing, 'is_typeddict') else hasattr(hint, '__total__'):
        return _typed_dict(hint, inner)
    if issubclass(hint, tuple) and hasattr(hint, '_fields'):
        hints = hints_of(hint)
        return _tuple([shape_of(hints.get(name, object), inner) for name in hint._fields], hint._make)
    if hint is float:
        # A whole number comes as an int, because CBOR and JSON write it so.
        return _number, lambda value: float(value) if type(value) is int else value
    if hint is bytearray:
        return {'kind': 'bytes'}, bytearray
    if hint is datetime.date:
        return _text, datetime.date.fromisoformat
    if hint is datetime.time:
        return _text, datetime.time.fromisoformat
    if hint is datetime.timedelta:
        return _number, lambda seconds: datetime.timedelta(seconds=seconds)
    if hint is _loaded('decimal', 'Decimal'):
        return {'kind': 'union', 'options': [_number, _text]}, lambda value: hint(str(value))
    if hint is _loaded('uuid', 'UUID'):
        return _text, hint
    if issubclass(hint, os.PathLike):
        return _text, hint if hasattr(hint, 'joinpath') else None
    if hint is list:
        return {'kind': 'array', 'items': any_type}, None
    if hint in (set, frozenset, tuple):
        return {'kind': 'array', 'items': any_type}, _items(None, hint)
    if hint is dict:
        return any_type, None
    return any_type, None


def _loaded(module, name):
    """A class of a module that costs time to import, and that is imported where a hint names it."""
    return getattr(sys.modules.get(module), name, module)


def _one_of(values):
    values = list(values)
    if not values or not all(type(value) in _literals for value in values):
        return any_type
    options = [{'kind': 'literal', 'value': value} for value in values]
    return options[0] if len(options) == 1 else {'kind': 'union', 'options': options}


def _union(shapes):
    kinds = [kind for kind, _ in shapes]
    options = []
    for kind in kinds:
        for option in kind['options'] if kind['kind'] == 'union' else [kind]:
            if option not in options:
                options.append(option)
    revivers = [(kind, revive) for kind, revive in shapes]
    revive = None if all(each is None for _, each in revivers) else lambda value: _revive_one(revivers, value)
    if any_type in options:
        return any_type, revive
    return {'kind': 'union', 'options': options}, revive


def _revive_one(shapes, value):
    """By the first option that the value fits and that makes something of it."""
    failure = None
    for kind, revive in shapes:
        if not fits(kind, value):
            continue
        try:
            return value if revive is None else revive(value)
        except (ValueError, ArithmeticError, TypeError) as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return value


def _tuple(shapes, make):
    revivers = [revive for _, revive in shapes]
    kind = {'kind': 'tuple', 'items': [each for each, _ in shapes]}
    return kind, lambda items: make([item if revive is None else revive(item) for item, revive in zip(items, revivers)])


def _items(revive, make):
    if revive is None:
        return make
    if make is None:
        return lambda items: [revive(item) for item in items]
    return lambda items: make([revive(item) for item in items])


def _values(revive):
    return None if revive is None else lambda members: {name: revive(value) for name, value in members.items()}


def _object(members):
    """members: name -> (shape, required)."""
    return {
        'kind': 'object',
        'properties': {name: {'type': kind, 'required': required} for name, ((kind, _), required) in members.items()},
    }


def _revived(members, given):
    revivers = {name: revive for name, ((_, revive), _) in members.items() if revive is not None}
    return {name: revivers[name](value) if name in revivers else value for name, value in given.items()}


def _dataclass(hint, inner):
    import dataclasses
    hints = hints_of(hint)
    members = {}
    for field in dataclasses.fields(hint):
        if field.init:
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            members[field.name] = shape_of(hints.get(field.name, object), inner), required
    return _object(members), lambda given: hint(**_revived(members, given))


def _typed_dict(hint, inner):
    required = getattr(hint, '__required_keys__', hint.__annotations__)
    members = {name: (shape_of(each, inner), name in required) for name, each in hints_of(hint).items()}
    return _object(members), lambda given: _revived(members, given)


def hints_of(owner):
    """The hints by name, of a class also inherited ones. One that cannot be resolved (a name imported for the type checker
    alone) costs only itself."""
    try:
        return typing.get_type_hints(owner)
    except Exception:
        pass
    hints = {}
    for part in reversed(getattr(owner, '__mro__', (owner,))):
        is_class = isinstance(part, type)
        scope = vars(sys.modules.get(part.__module__, types)) if is_class else getattr(part, '__globals__', None)
        own = vars(part).get('__annotations__', {}) if is_class else getattr(part, '__annotations__', {})
        for name, hint in own.items():
            one = {'__annotations__': {name: hint}}
            try:
                hints.update(typing.get_type_hints(type('_', (), one) if is_class else types.SimpleNamespace(**one), scope))
            except Exception:
                hints[name] = object
    return hints


def fits(kind, value):
    """Whether a value is of a type at first sight: enough to tell the options of a union apart."""
    what = kind['kind']
    if what == 'any':
        return True
    if what == 'union':
        return any(fits(option, value) for option in kind['options'])
    if what == 'literal':
        return type(kind['value']) is type(value) and kind['value'] == value
    if what == 'object':
        return isinstance(value, dict) and all(
            name in value for name, member in kind['properties'].items() if member['required'])
    if what == 'instance':
        return type(value) is Reference
    if what == 'tuple':
        return isinstance(value, list) and len(value) == len(kind['items'])
    return type(value) in _fitting[what]


_fitting = {
    'null': (type(None),),
    'boolean': (bool,),
    'number': (int, float),
    'integer': (int,),
    'bigint': (int,),
    'string': (str,),
    'bytes': (bytes,),
    'date': (datetime.datetime,),
    'array': (list,),
}
