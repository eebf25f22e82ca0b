"""The streams that a Python process runs, step by step; the steps are those of ../../../stream-steps.ts.

A stream goes on in the context of the call that opened it, and ends in it: a generator that is closed runs its `finally` there.
"""
from builtins import *
import asyncio
import contextvars

_open, _next, _close = 'open:', 'next:', 'close:'


class _Stream:
    def __init__(self, items):
        self.later = hasattr(type(items), '__aiter__')
        self.iterator = items.__aiter__() if self.later else iter(items)
        self.context = contextvars.copy_context()
        self.task = None
        self.closed = False


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
        items = getattr(function, 'begin', function.call)(arguments, context)
        return self._keep_later(items) if hasattr(type(items), '__await__') else self._keep(items)

    async def _keep_later(self, items):
        return self._keep(await items)

    def _keep(self, items):
        stream = _Stream(items)
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
            return stream.context.run(_InContext, self._end_later(stream))
        close = getattr(stream.iterator, 'close', None)
        if close is not None:
            stream.context.run(close)
        return None

    async def _end_later(self, stream):
        stream.closed = True
        if stream.task is not None:
            stream.task.cancel()
            await asyncio.wait([stream.task])
        close = getattr(stream.iterator, 'aclose', None)
        if close is not None:
            await close()


class _InContext:
    """A coroutine that becomes a task of the context in which this was made."""

    def __init__(self, coroutine):
        self.coroutine = coroutine
        self._funcoap_context = contextvars.copy_context()

    def __await__(self):
        return self.coroutine.__await__()
