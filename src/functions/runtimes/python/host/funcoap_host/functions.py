"""The functions of a module as callers see them, and how arguments become a Python call.

Callers name parameters or give them by position; what the gateway sends is one list: positional parameters, keyword-only
ones, **kwargs as a map, and at the end what *args takes, spread. `omitted` is an argument that was not given.
"""
from builtins import *
import collections.abc
import inspect
import re
import typing

import funcoap
from .cbor import omitted
from .shapes import any_type, hints_of, shape_of

_none = {'kind': 'null'}
_literals = (type(None), bool, int, float, str, bytes)
_later = (collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator)
_positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ServedFunction:
    """One function: its description, and call(), which takes the list of arguments."""

    def __init__(self, name, function):
        self.name = name
        self.function = function
        self.description = None
        self._slots = []
        self._rest = None
        self._others = None
        self._simple = True
        self._context = None
        self._read()

    def _read(self):
        not_callable = None
        described = []
        try:
            signature = inspect.signature(self.function)
            hints = hints_of(inspect.unwrap(self.function))
        except (TypeError, ValueError):
            signature, hints, not_callable = inspect.Signature(), {}, 'its parameters cannot be read'
        doc = _doc_of(self.function)
        texts = _parameter_texts(doc)
        trailing = []
        for parameter in signature.parameters.values():
            hint = hints.get(parameter.name, parameter.annotation)
            if hint is funcoap.Context:
                self._slots.append(_Slot(parameter, None, given=False, context=True))
                self._simple = False
                continue
            if parameter.name.startswith('_'):
                if parameter.default is inspect.Parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                    not_callable = (f"its parameter '{parameter.name}' begins with \"_\", which no caller can give; "
                                    'rename it or give it a default')
                if parameter.kind in _positional or parameter.kind is parameter.KEYWORD_ONLY:
                    self._slots.append(_Slot(parameter, None, given=False))
                    self._simple = False
                continue
            kind, revive = (any_type, None) if hint is inspect.Parameter.empty else shape_of(hint)
            entry = {'name': parameter.name, 'type': kind, 'required': False, 'rest': False}
            if texts.get(parameter.name):
                entry['doc'] = texts[parameter.name]
            if parameter.kind is parameter.VAR_POSITIONAL:
                entry.update(rest=True, type={'kind': 'array', 'items': kind})
                self._rest, self._simple = _Slot(parameter, revive), False
                trailing.append(entry)
            elif parameter.kind is parameter.VAR_KEYWORD:
                entry.update(others=True, keyword=True, type={'kind': 'object', 'properties': {}, 'additional': kind})
                self._others, self._simple = _Slot(parameter, revive), False
                trailing.insert(0, entry)
            else:
                _add_default(entry, parameter.default)
                if parameter.kind is parameter.KEYWORD_ONLY:
                    entry['keyword'] = True
                self._slots.append(_Slot(parameter, revive))
                self._simple = self._simple and revive is None and parameter.kind in _positional
                described.append(entry)
        returns = hints.get('return', signature.return_annotation)
        self.description = {
            'method': self.name,
            'parameters': described + trailing,
            'returns': None if returns in (inspect.Signature.empty, None, type(None)) else shape_of(returns)[0],
            'doc': _without_parameters(doc),
            'promises': getattr(self.function, '__funcoap__', {}),
            'generator': _gives_items(self.function, returns),
            'line': _line_of(self.function),
            'notCallable': not_callable,
        }

    def call(self, arguments, context):
        """What the function returns. Raises InvalidArgument where a value does not become what its hint promises."""
        if self._simple and omitted not in arguments:
            return self.function(*arguments)
        positional, named = [], {}
        rest_at = sum(slot.given for slot in self._slots) + (self._others is not None)
        others_at = rest_at - 1
        at = 0
        for slot in self._slots:
            value = slot.parameter.default
            if slot.context:
                value = context
            elif slot.given:
                if at < len(arguments) and arguments[at] is not omitted:
                    value = slot.revived(arguments[at])
                at += 1
            if slot.parameter.kind in _positional:
                positional.append(value)
            elif value is not inspect.Parameter.empty:
                named[slot.parameter.name] = value
        if self._others is not None and others_at < len(arguments) and arguments[others_at] is not omitted:
            for name, value in arguments[others_at].items():
                if name in named or any(name == slot.parameter.name for slot in self._slots):
                    raise funcoap.InvalidArgument(f"'{name}' is given twice, by name and in **{self._others.parameter.name}.", name)
                named[name] = self._others.revived(value)
        if self._rest is not None:
            positional.extend(self._rest.revived(None if value is omitted else value) for value in arguments[rest_at:])
        return self.function(*positional, **named)


class _Slot:
    def __init__(self, parameter, revive, given=True, context=False):
        self.parameter = parameter
        self.revive = revive
        self.given = given
        self.context = context

    def revived(self, value):
        if self.revive is None:
            return value
        try:
            return self.revive(value)
        except funcoap.InvalidArgument:
            raise
        except (ValueError, ArithmeticError, TypeError) as error:
            name = self.parameter.name
            raise funcoap.InvalidArgument(f'{name}: {error or type(error).__name__}.', name) from error


def _add_default(entry, default):
    if default is inspect.Parameter.empty:
        entry['required'] = True
    elif default is None:
        # `x: int = None`, as many write it.
        if entry['type']['kind'] not in ('any', 'null'):
            options = entry['type']['options'] if entry['type']['kind'] == 'union' else [entry['type']]
            entry['type'] = {'kind': 'union', 'options': options if _none in options else [*options, _none]}
        entry['default'] = None
    elif type(default) in _literals:
        # Not a list or a map: Python keeps one for all calls, and a function may rely on it.
        entry['default'] = default


def functions_of(module):
    """The functions by name, in the order in which the module defines them: its own, or those of __all__."""
    listed = getattr(module, '__all__', None)
    names = None if listed is None else {name for name in listed if isinstance(name, str)}
    found = {}
    for name, value in list(vars(module).items()):
        if name.startswith('_') or not callable(value) or isinstance(value, type):
            continue
        if name in names if names is not None else getattr(value, '__module__', None) == module.__name__ and _is_function(value):
            found[name] = ServedFunction(name, value)
    return found


def _is_function(value):
    """Also behind functools.lru_cache and other decorators that say what they wrap."""
    return inspect.isfunction(inspect.unwrap(value))


def _gives_items(function, returns):
    """A generator, or what returns what can only be awaited item by item."""
    own = inspect.unwrap(function)
    return inspect.isgeneratorfunction(own) or inspect.isasyncgenfunction(own) or typing.get_origin(returns) in _later


def _doc_of(function):
    doc = getattr(function, '__doc__', None)
    return inspect.cleandoc(doc).strip() or None if isinstance(doc, str) else None


def _line_of(function):
    code = getattr(inspect.unwrap(function), '__code__', None)
    return getattr(code, 'co_firstlineno', None)


_parameter_field = re.compile(r'^\s*:param (?:[^:\n]*\s)?\*{0,2}(\w+):[ \t]*(.+)$', re.M)
_parameter_section = re.compile(r'^(?:Args|Arguments|Parameters):[ \t]*\n((?:[ \t]+.*\n?|\n)+)', re.M)


def _without_parameters(doc):
    """What stands with the parameters is not said again."""
    if doc is None:
        return None
    return _parameter_section.sub('', _parameter_field.sub('', doc)).strip() or None


def _parameter_texts(doc):
    """`:param name: text`, and `name (type): text` below a line `Args:`."""
    texts = {}
    if doc is None:
        return texts
    for name, text in _parameter_field.findall(doc):
        texts[name] = text.strip()
    section = _parameter_section.search(doc)
    if section:
        for name, text in re.findall(r'^[ \t]+\*{0,2}(\w+)(?:[ \t]*\([^)\n]*\))?:[ \t]*(.+)$', section.group(1), re.M):
            texts.setdefault(name, text.strip())
    return texts
