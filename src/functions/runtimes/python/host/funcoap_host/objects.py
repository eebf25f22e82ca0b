"""What is done with objects, by the names of ../../../../object-calls.ts. The first argument is the id of the object.

`Account` makes one, `Account.deposit` calls a method, `Account.balance?` reads an attribute, `Account.balance=` sets it, and
`Account.~` lets go of it; without an id, of the instance that is for all callers.
"""
from builtins import *
import collections.abc

from .classes import ServedClass
from .functions import revived
from .references import ids

#: By id() of an object: those of its asynchronous streams that are ending. Their generators' `finally` comes before its end.
ending_streams = {}

#: How objects want to be let go of: the first that there is. __exit__ comes last, because nothing has called __enter__.
_ends = ('aclose', 'close', '__aexit__', '__exit__')


class _Operation:
    """What Server calls, as it calls a ServedFunction. `begin` is the first step of a stream."""
    __slots__ = ('call', 'begin')

    def __init__(self, call, begin=None):
        self.call = call
        self.begin = begin


class ObjectTable:
    def __init__(self):
        #: The instances that are for all callers, by the names of their classes.
        self._single = {}

    def operations(self, offered):
        """By name, what can be called: functions, and what is done with objects of classes."""
        found = {}
        for each in offered:
            if isinstance(each, ServedClass):
                found.update((name, _Operation(*operations)) for name, *operations in self._operations(each))
            else:
                found[each.name] = each
        return found

    def _operations(self, served):
        name = served.name
        yield name, self._making(served)
        yield f'{name}.~', self._ending(name)
        for member in served.description['members']:
            of = member['name']
            if of in served.methods:
                yield f'{name}.{of}', _calling(of, served.methods[of]), _calling(of, served.methods[of], _PerCall.during)
            if member['readable']:
                yield f'{name}.{of}?', _reading(of)
            if of in served.setters:
                yield f'{name}.{of}=', _setting(of, served.setters[of])

    def _making(self, served):
        mode = served.description['instance']

        def make(arguments, context):
            number, *given = arguments
            if mode == 'percall':
                made = _PerCall(lambda context: served.constructor.call(given, context))
            elif mode == 'single' and served.name in self._single:
                made = self._single[served.name]
            else:
                # One for each identity is made as any other is: the gateway asks for it once.
                made = served.constructor.call(given, context)
            if mode == 'single':
                self._single[served.name] = made
            ids.add(number, made, context._identity)
        return make

    def _ending(self, name):
        def end(arguments, context):
            number, *times = arguments
            if number == '':
                made = self._single.pop(name, None)
            else:
                made = ids.remove(number, *times)
                if made is self._single.get(name) or type(made) is _PerCall:
                    return None
            streams = ending_streams.pop(id(made), None)
            return _let_go(made) if streams is None else _let_go_after(streams, made)
        return end


def _calling(name, method, per_call=None):
    return lambda arguments, context: _on(
        arguments[0], context, lambda made: method.call(arguments[1:], context, getattr(made, name)), per_call)


def _reading(name):
    return lambda arguments, context: _on(arguments[0], context, lambda made: getattr(made, name))


def _setting(name, shape):
    def set_attribute(arguments, context):
        number, value = arguments
        given = value if shape is None else revived(shape[1], value, 'value')
        return _on(number, context, lambda made: setattr(made, name, given))
    return set_attribute


def _on(number, context, use, per_call=None):
    made = ids.object(number)
    return (per_call or _PerCall.once)(made, use, context) if type(made) is _PerCall else use(made)


class _PerCall:
    """Stands for the objects of one caller: each call makes one with the same arguments, and lets go of it."""

    def __init__(self, make):
        self._make = make

    def once(self, use, context):
        made = self._make(context)
        try:
            used = use(made)
        except BaseException as error:
            ended = _let_go_quietly(made)
            if ended is None:
                raise
            return _raised(error, ended)
        if hasattr(type(used), '__await__'):
            return _then_let_go(used, made)
        if isinstance(used, (collections.abc.Iterator, collections.abc.AsyncIterator)):
            return _then_let_go(_read(used), made)
        ended = _let_go(made)
        return used if ended is None else _after(ended, used)

    async def during(self, use, context):
        """One for a stream, until that is over or nobody reads it any more."""
        made = self._make(context)
        items = None
        try:
            items = use(made)
            if hasattr(type(items), '__await__'):
                items = await items
            if hasattr(type(items), '__aiter__'):
                async for item in items:
                    yield item
            else:
                for item in items:
                    yield item
        finally:
            try:
                await _closed(items)
            finally:
                ended = _let_go(made)
                if ended is not None:
                    await ended


async def _closed(items):
    """A generator tidies up while its object is there."""
    if hasattr(items, 'aclose'):
        await items.aclose()
    elif hasattr(items, 'close'):
        items.close()


def _let_go(made):
    """It is told that nobody has it any more, where it wants to know. What is returned has to be awaited."""
    for name in _ends:
        # Of the class: not what __getattr__ would make of the name, and nothing where a subclass says `close = None`.
        if callable(getattr(type(made), name, None)):
            ended = getattr(made, name)(*(None,) * 3 if name.startswith('_') else ())
            return _after(ended, None) if hasattr(type(ended), '__await__') else None
    return None


async def _let_go_after(streams, made):
    """At the limit of time even where a `finally` takes longer."""
    from asyncio import wait
    try:
        # Tasks begin in the order in which they were made: that of a stream without one was given up before.
        tasks = [stream.ending for stream in streams if stream.ending is not None]
        if tasks:
            await wait(tasks)
    finally:
        ended = _let_go(made)
        if ended is not None:
            await ended


def _let_go_quietly(made):
    """What it raised before is told, and not what this does."""
    try:
        return _let_go(made)
    except BaseException:
        return None


async def _after(ended, value):
    await ended
    return value


async def _raised(error, ended):
    try:
        await ended
    except BaseException:
        pass
    raise error


async def _then_let_go(awaitable, made):
    try:
        used = await awaitable
        return await _read(used) if hasattr(type(used), '__aiter__') else used
    finally:
        ended = _let_go(made)
        if ended is not None:
            await ended


async def _read(items):
    """To its end, before its object is gone."""
    return [item async for item in items] if hasattr(type(items), '__aiter__') else list(items)
