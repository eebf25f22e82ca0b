"""The streams that a Python process runs, step by step; the steps are those of ../../../stream-steps.ts.

A stream goes on in the context of the call that opened it, and ends in it: a generator that is closed runs its `finally` there.
"""
from builtins import *
import asyncio
import contextvars

from .objects import ending_streams
from .references import ids

_open, _next, _close = 'open:', 'next:', 'close:'


class _Stream:
    def __init__(self, items, made):
        #: The object whose method gave it.
        self.made = made
        self.later = hasattr(type(items), '__aiter__')
        self.iterator = items.__aiter__() if self.later else iter(items)
        self.context = contextvars.copy_context()
        self.task = None
        self.closed = False
        #: The task that ends it.
        self.ending = None


class Streams:
    def __init__(self, functions):
        self._functions = functions
        self._streams = {}
        self._numbers = 0

    def step(self, name, arguments, context):
        """What the step gives, or what has to be awaited for it. Raises KeyError for a name that is no step."""
        if name == _next:
            return self._next(*arguments)
        if name == _close:
            return self._close(*arguments)
        if not name.startswith(_open):
            raise KeyError(name)
        function = self._functions[name[len(_open):]]
        begin = getattr(function, 'begin', None)
        made = None if begin is None else ids.object(arguments[0])
        items = (begin or function.call)(arguments, context)
        return self._keep_later(items, made) if hasattr(type(items), '__await__') else self._keep(items, made)

    async def _keep_later(self, items, made):
        return self._keep(await items, made)

    def _keep(self, items, made):
        stream = _Stream(items, made)
        number = self._numbers
        self._numbers += 1
        self._streams[number] = stream
        return number

    def _next(self, number, skip):
        stream = self._streams.get(number)
        if stream is None:
            return []
        if stream.later:
            return stream.context.run(_InContext, self._pull_later(number, stream, skip))
        try:
            for _ in range(skip):
                stream.context.run(next, stream.iterator)
            return [stream.context.run(next, stream.iterator)]
        except StopIteration:
            del self._streams[number]
            return []
        except BaseException:
            self._streams.pop(number, None)
            raise

    async def _pull_later(self, number, stream, skip):
        stream.task = asyncio.current_task()
        try:
            for _ in range(skip):
                await stream.iterator.__anext__()
            return [await stream.iterator.__anext__()]
        except StopAsyncIteration:
            self._streams.pop(number, None)
            return []
        except BaseException:
            self._streams.pop(number, None)
            if stream.closed:
                return []
            raise
        finally:
            stream.task = None

    def _close(self, number):
        stream = self._streams.pop(number, None)
        if stream is None:
            return None
        if stream.later:
            if stream.made is not None:
                ending_streams.setdefault(id(stream.made), set()).add(stream)
            return stream.context.run(_InContext, self._end_later(stream))
        close = getattr(stream.iterator, 'close', None)
        if close is not None:
            stream.context.run(close)
        return None

    async def _end_later(self, stream):
        stream.closed = True
        stream.ending = asyncio.current_task()
        try:
            if stream.task is not None:
                stream.task.cancel()
                await asyncio.wait([stream.task])
            close = getattr(stream.iterator, 'aclose', None)
            if close is not None:
                await close()
        finally:
            others = ending_streams.get(id(stream.made), set())
            others.discard(stream)
            if not others:
                ending_streams.pop(id(stream.made), None)


class _InContext:
    """A coroutine that becomes a task of the context in which this was made."""

    def __init__(self, coroutine):
        self.coroutine = coroutine
        self._funcoap_context = contextvars.copy_context()

    def __await__(self):
        return self.coroutine.__await__()
