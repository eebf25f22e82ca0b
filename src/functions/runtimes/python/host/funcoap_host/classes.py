"""The classes of a module as callers see them. What is done with their objects: objects.py.

Left out: what is static (also ClassVar and class methods), nested classes, names that begin with `_`, attributes that are
neither properties nor annotated in the class, and methods whose parameters Python does not tell.
"""
from builtins import *
import datetime
import enum
import functools
import inspect
import os
import sys
import typing

from .functions import ServedFunction, doc_of, exported, is_function, line_of, of_attributes, texts_in
from .load import LoadFailure
from .references import class_names
from .shapes import any_type, hints_of, result_of, shape_of

#: Their instances have a form of their own as arguments and results.
_values = (int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, datetime.date, datetime.time,
           datetime.timedelta, BaseException, enum.Enum, type)


class ServedClass:
    """One class: its description, its constructor and methods, and the shapes that its attributes are set to."""

    def __init__(self, name, made):
        self.name = name
        self.made = made
        self.constructor = _constructor(name, made)
        self.methods = {}
        self.setters = {}
        self._texts = {}
        for base in reversed(made.__mro__[:-1]):
            self._texts.update(texts_in(doc_of(base), of_attributes))
        self.description = {
            **self.constructor.description,
            'returns': None,
            'promises': vars(made).get('__funcoap__', {}),
            'instance': getattr(made, '__instance__', None),
            'notMade': _not_made(made),
            'parents': [class_names[base] for base in made.__mro__[1:] if base in class_names],
            'members': self._members(),
        }

    def _members(self):
        hints = hints_of(self.made)
        names = [*hints, *(name for base in self.made.__mro__[:-1] for name in vars(base))]
        members = []
        for name in dict.fromkeys(names):
            if not name.startswith('_'):
                found = inspect.getattr_static(self.made, name, None)
                members.append(self._property(name, found) or self._method(name, found) or self._attribute(name, hints))
        return [member for member in members if member is not None]

    def _property(self, name, found):
        if isinstance(found, functools.cached_property):
            found = property(found.func)
        if not isinstance(found, property):
            return None
        hint = None if found.fget is None else hints_of(inspect.unwrap(found.fget)).get('return')
        set_shape = (found.fset and _taken(found.fset)) or (hint and shape_of(hint))
        if found.fset is not None:
            self.setters[name] = set_shape
        return {
            **_described(name, hint, set_shape),
            'line': line_of(found.fget or found.fset),
            'doc': doc_of(found) or self._texts.get(name),
            'promises': getattr(found.fget, '__funcoap__', {}),
            'readable': found.fget is not None,
            'writable': found.fset is not None,
        }

    def _method(self, name, found):
        if not _is_method(found):
            return None
        method = ServedFunction(name, found, method=True)
        if method.description['notCallable'] is not None:
            return None
        self.methods[name] = method
        return {**method.description, 'name': name, 'kind': 'method', 'readable': False, 'writable': False}

    def _attribute(self, name, hints):
        """What is annotated in the class."""
        hint = hints.get(name)
        if hint is None or typing.ClassVar in (hint, typing.get_origin(hint)) or type(hint).__name__ == 'InitVar':
            return None
        final = typing.Final in (hint, typing.get_origin(hint))
        hint = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Final else hint
        shape = shape_of(hint)
        if not final:
            self.setters[name] = shape
        return {
            **_described(name, hint, shape),
            'doc': self._texts.get(name),
            'promises': {},
            'readable': True,
            'writable': not final,
        }


def _described(name, hint, set_shape):
    value = {'name': 'value', 'type': any_type if set_shape is None else set_shape[0], 'required': True, 'rest': False}
    returns = None if hint is None else result_of(hint)
    return {'name': name, 'kind': 'attribute', 'line': None, 'parameters': [value], 'returns': returns}


def _constructor(name, made):
    own = made.__new__ if made.__init__ is object.__init__ else made.__init__
    constructor = ServedFunction(name, made, hinted=own)
    constructor.description['line'] = line_of(own) or _line_of_class(made)
    if inspect.iscoroutinefunction(own):
        raise LoadFailure(f"{_file_of(made)}:{constructor.description['line']}: __init__ of {name} is async, which nobody awaits; "
                          'write an async function that returns the object.')
    doc = constructor.description['doc']
    if doc is not None and doc.startswith(f'{made.__name__}('):
        # What dataclasses write for themselves.
        constructor.description['doc'] = None
    return constructor


def _file_of(made):
    return os.path.basename(getattr(sys.modules.get(made.__module__), '__file__', None) or made.__module__)


def _line_of_class(made):
    try:
        return inspect.getsourcelines(made)[1]
    except (OSError, TypeError):
        return None


def _taken(setter):
    """By the hint of the value, where there is one."""
    hints = {name: hint for name, hint in hints_of(inspect.unwrap(setter)).items() if name != 'return'}
    return shape_of(*hints.values()) if len(hints) == 1 else None


def _is_method(found):
    """As it stands in the class."""
    return (not isinstance(found, (type, staticmethod, classmethod))) and (inspect.isroutine(found) or is_function(found))


def _not_made(made):
    if not inspect.isabstract(made):
        return None
    return f"it is abstract ({', '.join(sorted(made.__abstractmethods__))}); make an object of a class that extends it"


def _is_value(made):
    if issubclass(made, _values) or getattr(made, '_is_protocol', False):
        return True
    if not hasattr(made, '__dataclass_fields__'):
        return False
    return made.__dataclass_params__.frozen or not any(
        _is_method(found) for base in made.__mro__[:-1] for name, found in vars(base).items() if not name.startswith('_'))


def offered_by(module):
    """Its functions and classes, in the order in which it defines them."""
    offered = [(name, value) for name, value, listed in exported(module)
               if (not _is_value(value) if isinstance(value, type) else listed or is_function(value))]
    # Before anything is described: hints name classes that come later.
    for name, value in offered:
        if isinstance(value, type) and _constructor(name, value).description['notCallable'] is None:
            class_names.setdefault(value, name)
    return [(ServedClass if isinstance(value, type) else ServedFunction)(name, value) for name, value in offered]
