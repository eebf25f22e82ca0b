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
from .all_names import listed_names
from .cbor import omitted
from .shapes import any_type, hints_of, result_of, shape_of

_none = {'kind': 'null'}
_literals = (type(None), bool, int, float, str, bytes)
_later = (collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator)
_positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ServedFunction:
    """One function: its description, and call(), which takes the list of arguments."""

    def __init__(self, name, function, hinted=None, method=False):
        """hinted: what has the hints, where that is not the function; method: its first parameter is the object."""
        self.name = name
        self.function = function
        self._hinted = function if hinted is None else hinted
        self._method = method
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
            hints = hints_of(inspect.unwrap(self._hinted))
        except (TypeError, ValueError):
            signature, hints, not_callable = inspect.Signature(), {}, 'its parameters cannot be read'
        doc = doc_of(self.function)
        texts = {**texts_in(doc_of(self._hinted), of_parameters), **texts_in(doc, of_parameters)}
        trailing = []
        parameters = list(signature.parameters.values())
        for parameter in parameters[1:] if self._method and parameters[:1] and parameters[0].kind in _positional else parameters:
            hint = hints.get(parameter.name, parameter.annotation)
            # Also of `ctx: Context = None`, which is Optional to Python 3.9 and 3.10.
            if hint is funcoap.Context or funcoap.Context in typing.get_args(hint):
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
            'returns': None if returns in (inspect.Signature.empty, None, type(None)) else result_of(returns),
            'doc': _without_texts(doc),
            'promises': getattr(self.function, '__funcoap__', {}),
            'generator': _gives_items(self.function, returns),
            'line': line_of(self.function),
            'notCallable': not_callable,
        }

    def call(self, arguments, context, bound=None):
        """What the function returns, or the bound method that stands for it. Raises InvalidArgument where a value does not
        become what its hint promises."""
        function = self.function if bound is None else bound
        if self._simple and omitted not in arguments:
            return function(*arguments)
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
        return function(*positional, **named)


class _Slot:
    def __init__(self, parameter, revive, given=True, context=False):
        self.parameter = parameter
        self.revive = revive
        self.given = given
        self.context = context

    def revived(self, value):
        # `x: Point = None`, as many write it: None is what it says it is.
        is_default = value is None and self.parameter.default is None
        return value if is_default else revived(self.revive, value, self.parameter.name)


def revived(revive, value, name):
    """What a hint promises, made of what was given. Raises InvalidArgument."""
    if revive is None:
        return value
    try:
        return revive(value)
    except funcoap.InvalidArgument:
        raise
    except (ValueError, ArithmeticError, TypeError) as error:
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


def exported(module):
    """What the module offers, in the order in which it defines it: what is its own, or what stands in __all__. Raises LoadFailure."""
    names = listed_names(module)
    for name, value in list(vars(module).items()):
        if name.startswith('_') or not callable(value):
            continue
        if name in names if names is not None else getattr(value, '__module__', None) == module.__name__:
            yield name, value, names is not None


def is_function(value):
    """Also behind functools.lru_cache and other decorators that say what they wrap."""
    return inspect.isfunction(inspect.unwrap(value))


def _gives_items(function, returns):
    """A generator, or what returns what can only be awaited item by item."""
    own = inspect.unwrap(function)
    return inspect.isgeneratorfunction(own) or inspect.isasyncgenfunction(own) or typing.get_origin(returns) in _later


def doc_of(function):
    doc = getattr(function, '__doc__', None)
    return inspect.cleandoc(doc).strip() or None if isinstance(doc, str) else None


def line_of(function):
    code = getattr(inspect.unwrap(function), '__code__', None)
    return getattr(code, 'co_firstlineno', None)


def _texts_by(field, heading):
    return (re.compile(rf'^\s*:{field} (?:[^:\n]*\s)?\*{{0,2}}(\w+):[ \t]*(.+)$', re.M),
            re.compile(rf'^(?:{heading}):[ \t]*\n((?:[ \t]+.*\n?|\n)+)', re.M))


of_parameters = _texts_by('param', 'Args|Arguments|Parameters')
of_attributes = _texts_by('(?:ivar|var)', 'Attributes')


def _without_texts(doc):
    """What stands with the parameters or attributes is not said again."""
    for field, section in (of_parameters, of_attributes):
        doc = doc and section.sub('', field.sub('', doc))
    return doc and doc.strip() or None


def texts_in(doc, patterns):
    """`:param name: text`, and `name (type): text` below a line `Args:`."""
    texts = {}
    if doc is None:
        return texts
    field, section = patterns
    for name, text in field.findall(doc):
        texts[name] = text.strip()
    found = section.search(doc)
    if found:
        for name, text in re.findall(r'^[ \t]+\*{0,2}(\w+)(?:[ \t]*\([^)\n]*\))?:[ \t]*(.+)$', found.group(1), re.M):
            texts.setdefault(name, text.strip())
    return texts
