"""The loop of a Python process: frames in, calls, frames out. The frames are listed in ../../messages.ts.

Plain functions run one at a time on the main thread, outside of any running event loop, as they would in a program of
their own. A coroutine becomes a task of one event loop, which turns while nothing computes; it is made for the first one.

Names are bound when this module is imported: a library that changes builtins or os changes them for itself.
"""
from builtins import *
import collections
import contextvars
import os
import sys
import threading
import time
import types

import funcoap
from .cbor import encode
from .classes import offered_by
from .codec import Codec, codec_for
from .failure import describe_failure
from .limits import end_with_gateway, limit_calls, limit_loading
from .load import LoadFailure, load_module
from .objects import ObjectTable
from .references import HandedObjects, NoObjects, class_names

_run, _abort = 1, 2
_loaded, _load_failed, _done, _failed, _yielded, _heard, _invalidate = 1, 2, 3, 4, 5, 6, 7
_readBytes = 262_144
#: sysexits.h: the process and the gateway do not understand each other, or cannot speak any more.
_exSoftware = 70

_read, _write, _exit, _getpid, _time = os.read, os.write, os._exit, os.getpid, time.time
_copy_context, _Context, _current = contextvars.copy_context, funcoap.Context, funcoap._current


class Channel:
    """The socket to the gateway: frames of four bytes that say the length, and CBOR."""

    def __init__(self, given):
        import fcntl
        # Out of the way of a library that writes to low numbers, and closed in what it executes.
        self._socket = fcntl.fcntl(given, fcntl.F_DUPFD_CLOEXEC, 100)
        os.close(given)
        os.set_blocking(self._socket, True)
        self._buffer = bytearray()
        self._lock = threading.RLock()
        self._unsent = collections.deque()
        self._sending = False
        self._owner = _getpid()
        self.codec = Codec()

    def fileno(self):
        return self._socket

    def send(self, *message):
        payload = encode(message)
        if _getpid() != self._owner:
            # A copy of this process that a function made by os.fork() came back from it: its answer is nobody's.
            _exit(0)
        self._unsent.append(len(payload).to_bytes(4, 'big') + payload)
        with self._lock:
            if self._sending:
                # A signal's handler or a finalizer, in the middle of a frame: this one goes behind it.
                return
            self._sending = True
            try:
                while self._unsent:
                    data = memoryview(self._unsent.popleft())
                    while data:
                        data = data[_write(self._socket, data):]
            except BaseException:
                # Nobody knows how much of the frame has left.
                _exit(_exSoftware)
            self._sending = False

    def receive(self):
        """Waits for bytes; the messages that are complete. None: the gateway has gone."""
        data = _read(self._socket, _readBytes)
        if not data:
            return None
        buffer = self._buffer
        buffer += data
        messages, at = [], 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at:at + 4], 'big')
            if end > len(buffer):
                break
            messages.append(self.codec.decode(bytes(buffer[at + 4:end])))
            at = end
        del buffer[:at]
        return messages


class Server:
    def __init__(self, channel, data_folder, functions):
        self._channel = channel
        self._codec = channel.codec
        self._data_folder = data_folder
        self._functions = functions
        self._tasks = {}
        self._loop = None
        self._turning = False
        self._listening = False
        self._streams = None

    def run(self):
        while True:
            if self._has_loop():
                self._turn()
            messages = self._channel.receive()
            if messages is None:
                return
            for message in messages:
                if message[0] == _run:
                    _copy_context().run(self._call, *message[1:])
                else:
                    self._give_up(message[1])

    def _call(self, number, method, remaining, limit, identity, groups, peer, correlation_id, packed, plain):
        context = _Context(identity, peer, correlation_id, _time() + min(remaining, limit) / 1000, self._data_folder, groups)
        _current.set(context)
        try:
            try:
                arguments = self._codec.decode_plain(packed) if plain else self._codec.decode_arguments(packed)
            except ValueError as error:
                raise funcoap.InvalidArgument(f'An argument cannot be given to Python: {error}.') from None
            function = self._functions.get(method)
            objects = None if not class_names else NoObjects() if function is None else HandedObjects(identity)
            result = self._step(method, arguments, context) if function is None else function.call(arguments, context)
            if type(result) is types.CoroutineType or hasattr(type(result), '__await__'):
                self._spawn(number, context, objects, result)
            elif hasattr(type(result), '__aiter__'):
                self._spawn(number, context, objects, _collected(result))
            else:
                self._finish(number, context, objects, result)
        except BaseException as error:
            self._fail(number, error)

    def _step(self, name, arguments, context):
        if self._streams is None:
            from .streams import Streams
            self._streams = Streams(self._functions)
        return self._streams.step(name, arguments, context)

    def _finish(self, number, context, objects, result):
        returned = None if result is None else self._encoded(result, objects)
        _flush()
        given = () if objects is None or not objects.given else (objects.given,)
        self._channel.send(_done, number, context._read_caller, context._tags, returned, *given)

    def _encoded(self, result, objects):
        """With the objects in it as references."""
        if objects is None:
            return self._codec.encode(result)
        try:
            return self._codec.encode(result, objects.refer)
        except BaseException:
            objects.take_back()
            raise

    def _fail(self, number, error):
        _flush()
        self._channel.send(_failed, number, *describe_failure(error, funcoap.InvalidArgument))

    def _spawn(self, number, context, objects, awaitable):
        if not self._has_loop():
            import asyncio
            self._loop = asyncio.new_event_loop()
            self._listening = False
            asyncio.set_event_loop(self._loop)
        make = self._loop.create_task
        task = self._await(number, context, objects, awaitable)
        of_its_own = getattr(awaitable, '_funcoap_context', None)
        self._tasks[number] = make(task) if of_its_own is None else of_its_own.run(make, task)
        self._channel.send(_yielded, number)

    async def _await(self, number, context, objects, awaitable):
        try:
            result = await awaitable
            if hasattr(type(result), '__aiter__'):
                result = await _collected(result)
            self._finish(number, context, objects, result)
        except BaseException as error:
            # Of a task, even SystemExit is only its own: raised further it would end the loop.
            self._fail(number, error)
        finally:
            self._tasks.pop(number, None)

    def _give_up(self, number):
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()
        self._channel.send(_heard, number)

    def _has_loop(self):
        return self._loop is not None and not self._loop.is_closed()

    def _turn(self):
        """Until the gateway has said something: the reader stops the loop, so that plain functions run outside of it."""
        try:
            if not self._listening:
                self._loop.add_reader(self._channel.fileno(), self._told)
                self._listening = True
            self._turning = True
            self._loop.run_forever()
        except BaseException as error:
            # SystemExit of a task that the library made itself.
            sys.stderr.write(f'A task of the library raised {type(error).__name__}.\n')
        finally:
            self._turning = False

    def _told(self):
        if self._turning:
            self._loop.stop()
        else:
            # A plain function runs the loop itself, and what the gateway says waits for its end.
            self._loop.remove_reader(self._channel.fileno())
            self._listening = False


async def _collected(items):
    return [item async for item in items]


def _flush():
    """What is printed stands in the log before the call is over, whatever the library has made of sys.stdout."""
    try:
        sys.stdout.flush()
    except BaseException:
        pass


def _leave(code=0):
    try:
        import atexit
        atexit._run_exitfuncs()
    finally:
        _flush()
        _exit(code)


def serve(given):
    channel = Channel(given)
    [start] = channel.receive()
    end_with_gateway(start['gateway'])
    sys.dont_write_bytecode = True
    sys.argv = [start['entry']]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding='utf-8', errors='backslashreplace', line_buffering=True)
    funcoap._send_invalidation = lambda kind, name: channel.send(_invalidate, kind, name)
    limit_loading(start['memory'])
    # Before the library can have anything of that name.
    channel.codec = codec_for(start['library'], os.path.dirname(start['entry']))
    try:
        offered = list(offered_by(load_module(start['library'], start['entry'])))
        described = [each.description for each in offered] if start['describe'] else None
        encoded = encode(described)
    except LoadFailure as failure:
        channel.send(_load_failed, str(failure))
        _leave()
    except BaseException as error:
        channel.send(_load_failed, f'{os.path.basename(start["entry"])}: its functions cannot be described: {type(error).__name__}: {error}.')
        _leave()
    _flush()
    limit_calls(start['memory'])
    channel.send(_loaded, encoded)
    try:
        Server(channel, start['dataFolder'], ObjectTable().operations(offered)).run()
    except BaseException:
        # Of no call: the library's handler of a signal raised it, say. Threads of the library shall not keep what is left.
        try:
            import traceback
            traceback.print_exc()
        finally:
            _leave(_exSoftware)
    _leave()
