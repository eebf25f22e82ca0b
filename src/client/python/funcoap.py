"""Calls the functions of a funcoap gateway from plain Python: this one file, and cbor2.

    import funcoap

    with funcoap.connect("coap://127.0.0.1") as gw:
        gw.math.add(1, 2)                      # 3
        gw.oslist.list(databasefile="os-list.db")
        print(gw.math.add.__doc__)             # its signature and documentation
        for item in gw.ticker.prices("ACME"):  # a stream, item by item
            ...
        gw.reports.build.job(2025).result()    # a job
        with gw.bank.Account("Ada") as account:  # an object that lives in the gateway
            account.deposit(5)

CoAP over UDP (RFC 7252): confirmable requests with retransmission, block-wise bodies both ways (RFC 7959), FETCH for safe
functions (RFC 8132), Echo (RFC 9175), answers kept as long as they are fresh and then confirmed by ETag, oneway calls
(RFC 7967), streams and the ends of jobs by observation (RFC 7641), objects, several calls in one request.

Left out: DTLS (so plain coap: only, which a gateway takes on loopback by default), HTTP, results that are watched.
One request is under way at a time; a connection may be shared between threads, which then wait for each other. Streams and
jobs that are waited for have sockets of their own, so that calls go on beside them.
It is one file of that length so that it can be copied.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import inspect
import keyword
import math
import os
import random
import re
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any, Iterator, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import cbor2

__all__ = [
    "ArgumentError",
    "Error",
    "Gateway",
    "Job",
    "NoAnswer",
    "NoSuchFunction",
    "Object",
    "RemoteError",
    "StreamLost",
    "connect",
]


class Error(Exception):
    """The base of all errors of this module."""


class NoAnswer(Error):
    """The gateway cannot be reached, or did not answer in time, or with what is no answer."""


class RemoteError(Error):
    """The gateway answered 4.xx or 5.xx.

    `status` is the response code ("4.22"), `number` that of the problem (docs/errors.md) or None, `parameter` the id or name of
    the one that it is about, `thrown` what the function threw, (class, message, traceback, attributes), where the gateway tells;
    `batch`, of one that failed, which call it was and the results before it.
    """

    def __init__(self, target: str, answer: _Answer) -> None:
        self.target = target
        self.status = _dotted(answer.code)
        details = _decoded(answer.payload) if answer.content_format == _PROBLEM_DETAILS else None
        details = details if isinstance(details, dict) else {}
        ours = details.get("funcoap:e")
        ours = ours if isinstance(ours, dict) else {}
        self.number: int | None = ours.get(0)
        self.parameter: int | str | None = ours.get(1)
        thrown = ours.get(3)
        self.thrown: tuple | None = tuple([*thrown, None, None][:4]) if isinstance(thrown, list) else None
        batch = ours.get(4)
        self.batch: tuple[int, list] | None = (batch[0], batch[1]) if isinstance(batch, list) and len(batch) == 2 else None
        self.retry_after: int | None = answer.max_age if answer.code in (0x9D, 0xA3) else None
        super().__init__(details.get(-2) or details.get(-1) or f"{target} was answered {self.status}")


class NoSuchFunction(RemoteError, AttributeError):
    """4.04: the library or the function is not there."""


class StreamLost(RemoteError):
    """4.12: the gateway has not the stream any more, because it was started again or nobody read it for a minute.

    Its function was not run again: call it anew, `starting_at` the next item where equal calls give equal items.
    """


class ArgumentError(RemoteError, TypeError):
    """4.22: the arguments do not fit the signature, or the function refuses them."""


# RFC 7252 §4.8
_ACK_TIMEOUT = 2.0
_ACK_RANDOM_FACTOR = 1.5
_MAX_RETRANSMIT = 4

_CON, _NON, _ACK, _RST = range(4)
_GET, _POST, _PUT, _DELETE, _FETCH = range(1, 6)
_SAFE = (_GET, _FETCH)
_CONTINUE, _VALID, _UNAUTHORIZED, _INCOMPLETE, _PRECONDITION_FAILED, _TOO_LARGE = 0x5F, 0x43, 0x81, 0x88, 0x8C, 0x8D
_ETAG, _OBSERVE, _LOCATION_PATH, _URI_PATH, _CONTENT_FORMAT, _MAX_AGE, _URI_QUERY, _ACCEPT = 4, 6, 8, 11, 12, 14, 15, 17
_BLOCK2, _BLOCK1, _SIZE1, _ECHO, _NO_RESPONSE, _REQUEST_TAG = 23, 27, 60, 252, 258, 292
_KNOWN_CRITICAL = {1, 3, 5, 7, 11, 15, 17, 23, 27, 35, 39}
_CBOR, _CBOR_SEQUENCE, _PROBLEM_DETAILS = 60, 63, 257

# No RFC gives these.
_LARGEST_SZX = 6
_MAX_KEPT = 1000
_MAX_ANSWER_BYTES = 64 << 20
_MAX_RESTARTS = 2
_MAX_CALLS = 16
_MAX_DEPTH = 64
# A gateway gives results of up to 128 levels, in a batch or an error with a few around them.
_MAX_ANSWER_DEPTH = 160
_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_JOB_PAUSE = 0.2
_LONGEST_JOB_PAUSE = 5.0
# After so much silence a gateway that owes an answer is pinged, so that it is known when nothing listens there any more.
_PING_AFTER = 15.0
# After so much silence an observation is begun again: a gateway that was started again has forgotten it, and answers pings.
_RENEW_AFTER = 15.0
# So long what a gateway tells may wait for its acknowledgement; a little later it gives up (RFC 7252 §4.8.2).
_PATIENCE = 60.0
_LEAVE_TIMEOUT = 3.0

# Around the path of an object; in a batch around [index, *steps] of an earlier result.
_REFERENCE = 39
_JOB_PENDING, _OVERLOADED = 46, 16


# Their numbers and values.
_Options = list[tuple[int, bytes]]


class _Message(NamedTuple):
    type: int
    code: int
    message_id: int
    token: bytes
    options: _Options
    payload: bytes


class _Answer(NamedTuple):
    code: int
    options: _Options
    payload: bytes

    def option(self, number: int) -> bytes | None:
        return next((value for n, value in self.options if n == number), None)

    @property
    def content_format(self) -> int | None:
        value = self.option(_CONTENT_FORMAT)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def max_age(self) -> int:
        value = self.option(_MAX_AGE)
        return 60 if value is None else int.from_bytes(value, "big")


def connect(uri: str, timeout: float = 120.0, retries: int = 2, replay: bool = False) -> Gateway:
    """Connects to `coap://host:port` and asks what libraries there are.

    `timeout` is for one call, in seconds, and how long a job is waited for while nobody answers. `retries` is how often a stream
    that was lost is gone on with before something new comes; with 0 a job is not waited for either while nobody answers. With
    `replay` the function of a stream that the gateway has lost is run again, and what was given is skipped; without it that is
    `StreamLost`.
    """
    if not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ValueError(f"timeout is a number of seconds above 0, not {timeout!r}")
    parts = urlsplit(uri)
    if parts.scheme != "coap" or parts.hostname is None or parts.path not in ("", "/") or parts.query:
        raise ValueError(f"{uri} is not coap://host:port; this client speaks plain CoAP only")
    gateway = Gateway(_Endpoint(parts.hostname, parts.port or 5683, timeout), retries, replay)
    try:
        gateway.refresh()
    except BaseException:
        gateway.close()
        raise
    return gateway


class Gateway:
    """A gateway; its attributes are libraries, theirs are functions and classes. `gw["job"]` is a library of such a name."""

    def __init__(self, endpoint: _Endpoint, retries: int, replay: bool = False) -> None:
        self._endpoint = endpoint
        self._retries = retries
        self._replay = replay
        self._libraries: dict[str, Any] = {}
        self._described: dict[str, dict] = {}
        self._kept: OrderedDict[tuple, tuple[_Answer, float]] = OrderedDict()

    def refresh(self) -> None:
        """Asks again what there is; what was known of functions is forgotten, and what is kept is confirmed before it is used."""
        self._kept = OrderedDict((key, (answer, 0.0)) for key, (answer, _) in self._kept.items())
        self._libraries = _decoded(self._ask("func", _GET, ["func"]).payload)
        if not isinstance(self._libraries, dict):
            raise NoAnswer("what answers there is no funcoap gateway")
        self._described.clear()

    def job(self, uri: str) -> Job:
        """A job that was made before, by its URI or path."""
        return Job(self, self._id_in(uri, "j", "job"))

    def object(self, uri: str) -> Object:
        """An object that was made before, by its URI or path."""
        return Object(self, self._id_in(uri, "o", "object"))

    def batch(self) -> Batch:
        """Several calls in one request: write them down, then `run`."""
        return Batch(self)

    def close(self) -> None:
        self._endpoint.close()

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __getattr__(self, name: str) -> Library:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Library:
        return Library(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._libraries]

    def _describe(self, target: str) -> dict:
        found = self._described.get(target)
        if found is None:
            answer = self._ask(target, _GET, _path_to(target), ["_describe", "_why"])
            found = self._described[target] = _decoded(answer.payload)
        return found

    def _call(self, target: str, args: tuple, kwargs: dict, start: int = 0) -> Any:
        known, path = target in self._described, _path_to(target)
        fn = self._describe(target)
        body = self._body(fn, args, kwargs)
        if fn.get("stream"):
            return self._items(target, path, body, start)
        try:
            return self._called(fn, target, path, body)
        except RemoteError as error:
            # 4.04 and 4.05 come before a function runs: it has changed since it was described.
            if error.status not in ("4.04", "4.05") or not known:
                raise
        self.refresh()
        return self._call(target, args, kwargs, start)

    def _called(self, fn: dict, target: str, path: list[str], body: bytes) -> Any:
        answer = self._ask(target, _FETCH if fn.get("safe") else _POST, path, ["_why"], body)
        return Object(self, _made(answer, "o"), fn) if "class" in fn else self._value(answer)

    def _tell(self, target: str, args: tuple, kwargs: dict) -> None:
        body = self._body(self._describe(target), args, kwargs)
        self._endpoint.tell(_POST, _uri_options(_path_to(target), []) + _body_options(body), body)

    def _job(self, target: str, args: tuple, kwargs: dict) -> Job:
        body = self._body(self._describe(target), args, kwargs)
        answer = self._ask(target, _POST, _path_to(target), ["_job", "_why"], body)
        return Job(self, _made(answer, "j"))

    def _items(self, target: str, path: list[str], body: bytes, start: int) -> Iterator[Any]:
        """The items of a stream, over as many observations as it takes: what was lost is asked for by `_from`.

        It is asked of the very run of the function that gave what came before (`_run`), so that no function is run twice.
        """
        following, tried, run, words = start, 0, None, ["_why"] if start == 0 else [f"_from={start}", "_why"]
        with _Observation(self._endpoint) as observation:
            while True:
                options = _uri_options(path, words) + [(_ACCEPT, bytes([_CBOR_SEQUENCE]))] + _body_options(body)
                try:
                    told: _Answer | None = observation.begin(_FETCH, options, body)
                    while told is not None:
                        if told.code >> 5 != 2:
                            raise _refusal(target, path, told)
                        tag = told.option(_ETAG)
                        run = run if tag is None else tag.hex()
                        index, *item = self._told_in(told)
                        # Its acknowledgement was lost where it is the one before; else the gateway has begun anew.
                        if index not in (None, following - 1, following) and item:
                            raise NoAnswer(f"{target} gave item {index} where item {following} was to come")
                        if index is not None and not item:
                            observation.over = True
                            return
                        if index == following:
                            following, tried = following + 1, 0
                            yield item[0]
                        told = observation.next(_RENEW_AFTER)
                except StreamLost:
                    if tried > self._retries or not (self._replay or following == start):
                        raise
                    run, tried = None, tried + 1
                except (NoAnswer, RemoteError) as error:
                    self._pause_or_raise(error, tried)
                    tried += 1
                # With it the gateway goes on with what runs; without it the function would begin anew.
                words = [f"_from={following}", *([] if run is None else [f"_run={run}"]), "_why"]

    def _told_in(self, told: _Answer) -> list:
        """`[index, item]`, `[count]` at the end, and `[None]` for what says that there is nothing yet (docs/streams.md)."""
        if told.content_format != _CBOR_SEQUENCE:
            raise NoAnswer("what was a stream is none any more; refresh() asks what there is")
        value = _decoded(told.payload) if told.payload else [None]
        return value if isinstance(value, list) and value else [None]

    def _pause_or_raise(self, error: NoAnswer | RemoteError, tried: int) -> None:
        after = error.retry_after if isinstance(error, RemoteError) else min(_PAUSE * 4**tried, _LONGEST_PAUSE)
        if after is None or tried >= self._retries:
            raise error
        time.sleep(after)

    def _id_in(self, uri: str, root: str, what: str) -> str:
        where = self._endpoint.where
        path = uri[len(where) :] if uri.startswith(f"{where}/") else uri
        if re.fullmatch(rf"/{root}/[\w-]{{1,32}}", path) is None:
            raise ValueError(f"{uri} is no {what} of {where}; give the URI that it had, or its path /{root}/ID")
        return path[3:]

    def _body(self, fn: dict, args: tuple, kwargs: dict) -> bytes:
        body = _arranged(fn, args, kwargs)
        return b"" if body is None else self._encoded(body)

    def _encoded(self, value: Any, tagged: bool = True) -> bytes:
        # RFC 8949 §3.4.2: a date is a number of seconds.
        return cbor2.dumps(self._sendable(value, tagged), datetime_as_timestamp=True)

    def _sendable(self, value: Any, tagged: bool, depth: int = 0) -> Any:
        """What Python has besides CBOR's types becomes what libraries in Python return for it (docs/python.md).

        An object travels as its path, which in a batch has no tag.
        """
        if value is None or type(value) in (bool, int, float, str, bytes):
            return value
        if depth >= _MAX_DEPTH:
            raise ValueError(f"an argument is nested deeper than {_MAX_DEPTH} levels, or contains itself")
        if isinstance(value, enum.Enum):
            return self._sendable(value.value, tagged, depth + 1)
        if isinstance(value, (int, float, str, bytes, cbor2.CBORTag)):
            return value
        if isinstance(value, Object):
            path = value._path_for(self)
            return cbor2.CBORTag(_REFERENCE, path) if tagged else path
        if isinstance(value, _Reference):
            raise TypeError("what a call in a batch gives stands for a whole argument, not for a part of one")
        if isinstance(value, datetime):
            # To Python, one without a time zone is of this machine's.
            return value if value.tzinfo is not None else value.astimezone()
        if isinstance(value, (date, clock_time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, (Decimal, UUID, os.PathLike)):
            return str(value)
        if isinstance(value, (bytearray, memoryview)):
            return bytes(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            return {
                key if isinstance(key, tuple) else self._sendable(key, tagged, depth + 1): self._sendable(one, tagged, depth + 1)
                for key, one in value.items()
            }
        if isinstance(value, (set, frozenset)):
            # Equal sets are equal arguments.
            value = sorted(value, key=lambda one: cbor2.dumps(self._sendable(one, tagged, depth + 1), datetime_as_timestamp=True))
        if isinstance(value, (list, tuple)):
            return [self._sendable(one, tagged, depth + 1) for one in value]
        raise TypeError(f"{type(value).__name__} cannot be sent: give data, such as numbers, text, lists and dicts")

    def _value(self, answer: _Answer) -> Any:
        if answer.content_format is None and not answer.payload:
            return None
        if answer.content_format != _CBOR:
            return answer.payload
        value = _decoded(answer.payload)
        # Most results have no objects, and need not be looked through.
        return self._with_objects(value) if bytes([0xD8, _REFERENCE]) in answer.payload else value

    def _as_made(self, fn: dict, value: Any) -> Any:
        """In an error an object is its path."""
        return self.object(value) if "class" in fn and isinstance(value, str) else self._with_objects(value)

    def _with_objects(self, value: Any) -> Any:
        if isinstance(value, cbor2.CBORTag) and value.tag == _REFERENCE and isinstance(value.value, str):
            return self.object(value.value)
        if isinstance(value, list):
            return [self._with_objects(item) for item in value]
        if isinstance(value, dict):
            return {key: self._with_objects(item) for key, item in value.items()}
        return value

    def _ask(self, target: str, code: int, path: list[str], query: list[str] | None = None, body: bytes = b"") -> _Answer:
        key = (tuple(path), tuple(query or []), body)
        kept, fresh_until = self._kept.get(key, (None, 0.0)) if code in _SAFE else (None, 0.0)
        if kept is not None and time.monotonic() < fresh_until:
            self._kept.move_to_end(key)
            return kept
        options = _uri_options(path, query or []) + [(_ACCEPT, bytes([_CBOR]))] + _body_options(body)
        etag = None if kept is None else kept.option(_ETAG)
        answer = self._endpoint.request(code, options + ([] if etag is None else [(_ETAG, etag)]), body)
        if answer.code == _VALID and kept is not None:
            # RFC 7252 §5.9.1.3: it is what there is still.
            self._keep(key, kept, answer.max_age)
            return kept
        if answer.code >> 5 != 2:
            raise _refusal(target, path, answer)
        if code in _SAFE and answer.option(_ETAG) is not None:
            self._keep(key, answer, answer.max_age)
        return answer

    def _keep(self, key: tuple, answer: _Answer, max_age: int) -> None:
        self._kept[key] = (answer, time.monotonic() + max_age)
        self._kept.move_to_end(key)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)


class Library:
    """A library of a gateway; its attributes are functions and classes."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self._gateway = gateway
        self._name = name

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Function:
        return Function(self._gateway, f"{self._name}/{name}")

    def __dir__(self) -> list[str]:
        listed = _decoded(self._gateway._ask(self._name, _GET, ["func", self._name]).payload)
        return [*super().__dir__(), *listed["functions"]]


class Function:
    """A function of a gateway; or a class, which makes objects; or a stream, which gives its items one after the other."""

    def __init__(self, gateway: Gateway, target: str, start: int = 0) -> None:
        self._gateway = gateway
        self._target = target
        self._start = start

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._gateway._call(self._target, args, kwargs, self._start)

    def starting_at(self, index: int) -> Function:
        """The same stream, beginning with that item: for a program that was itself started again."""
        return Function(self._gateway, self._target, index)

    def job(self, /, *args: Any, **kwargs: Any) -> Job:
        """Calls it as a job, which runs when there is room, for as long as it takes."""
        return self._gateway._job(self._target, args, kwargs)

    def oneway(self, /, *args: Any, **kwargs: Any) -> None:
        """Calls it and wants no answer (RFC 7967): returns when the request has been sent, whatever comes of it."""
        self._gateway._tell(self._target, args, kwargs)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return _documentation(self._gateway._describe(self._target))

    @property
    def __signature__(self) -> inspect.Signature:
        return _signature(self._gateway._describe(self._target))

    def __repr__(self) -> str:
        return f"<function {self._target}>"


class Job:
    """A call whose result the gateway keeps for a time (docs/jobs.md)."""

    def __init__(self, gateway: Gateway, id: str) -> None:
        self._gateway = gateway
        self._path = ["j", id]
        self.uri = f"{gateway._endpoint.where}/j/{id}"

    def status(self) -> str:
        """`queued`, `running`, `done` or `failed`; RemoteError 4.04 where it is gone."""
        for job in _decoded(self._gateway._ask("j", _GET, ["j"]).payload) or []:
            if job.get("id") == self._path[1]:
                return job["state"]
        self._gateway._ask("/".join(self._path), _GET, self._path)
        return "done"

    def result(self, timeout: float | None = None) -> Any:
        """Waits for the result, as long as that takes or for `timeout` seconds; raises what the function failed with.

        It goes on while the gateway is started again, which the job outlives.
        """
        gateway, tried, lost = self._gateway, 0, math.inf
        end = math.inf if timeout is None else time.monotonic() + timeout
        options = _uri_options(self._path, ["_why"]) + [(_ACCEPT, bytes([_CBOR_SEQUENCE]))]
        with _Observation(gateway._endpoint) as observation:
            while True:
                try:
                    told: _Answer | None = observation.begin(_GET, options, b"", end)
                    tried, lost = 0, math.inf
                    # An empty sequence: it has not ended.
                    while told is not None and told.code >> 5 == 2 and not told.payload:
                        told = observation.next(min(_RENEW_AFTER, end - time.monotonic()))
                    if told is not None:
                        observation.over = True
                        if told.code >> 5 != 2:
                            raise _refusal("/".join(self._path), self._path, told)
                        break
                except NoAnswer:
                    now = time.monotonic()
                    lost = min(lost, now)
                    if now < end:
                        if gateway._retries == 0 or now >= lost + gateway._endpoint.timeout:
                            raise
                        time.sleep(max(0.0, min(_JOB_PAUSE * 2**tried, _LONGEST_JOB_PAUSE, end - now)))
                        tried += 1
                except RemoteError as error:
                    # There is no room for one more who observes.
                    if error.number not in (_JOB_PENDING, _OVERLOADED):
                        raise
                    time.sleep(max(0.0, min(error.retry_after or 1, end - time.monotonic())))
                if time.monotonic() >= end:
                    raise NoAnswer(f"{self.uri} has not ended in {timeout} s")
        # What cannot be read is not asked for again.
        return _decoded(told.payload) if told.content_format == _CBOR_SEQUENCE else self._gateway._value(told)

    def cancel(self) -> None:
        """It does not begin, or its function is told to stop; one that has ended is removed."""
        self._gateway._ask("/".join(self._path), _DELETE, self._path)

    def __repr__(self) -> str:
        return f"<job {self.uri}>"


class Object:
    """An object that lives in a gateway (docs/objects.md): its methods are called, its attributes read and assigned.

    What it can do by itself begins with `_`, as no member of a class does: `_uri`, and `_release()`, which `with` does at the end.
    """

    def __init__(self, gateway: Gateway, id: str, described: dict | None = None) -> None:
        self.__dict__.update(_gateway=gateway, _id=id, _known=described)

    @property
    def _uri(self) -> str:
        """Where it is; `gw.object(uri)` is this object again."""
        return f"{self._gateway._endpoint.where}/o/{self._id}"

    def _release(self) -> None:
        """Lets go of it: the gateway closes it, and its path is 4.04 from then on."""
        self._gateway._ask(repr(self), _DELETE, ["o", self._id])

    def __enter__(self) -> Object:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._release()
        except NoAnswer:
            pass  # Its gateway or its lease ends it.
        except RemoteError as error:
            if error.status != "4.04":
                raise

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._describe()["methods"]:
            return Method(self, name)
        self._readable(name)
        return self._gateway._value(self._gateway._ask(self._named(name), _GET, ["o", self._id, name], ["_why"]))

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._attribute(name).get("writable"):
            raise AttributeError(f"{self._named(name)} cannot be set")
        self._gateway._ask(self._named(name), _PUT, ["o", self._id, name], ["_why"], self._gateway._encoded(value))

    def _describe(self) -> dict:
        if self._known is None:
            self.__dict__["_known"] = _decoded(self._gateway._ask(repr(self), _GET, ["o", self._id]).payload)
        return self._known

    def _named(self, name: str) -> str:
        return f"{_name_of(self._describe())}.{name}"

    def _attribute(self, name: str) -> dict:
        described = self._describe()
        if name in described["attributes"]:
            return described["attributes"][name]
        if name in described["methods"]:
            raise AttributeError(f"{self._named(name)} is a method")
        names = [*described["methods"], *described["attributes"]]
        near = difflib.get_close_matches(name, names, 1)
        told = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
        raise AttributeError(f"{_name_of(described)} has no {name}; {told}")

    def _readable(self, name: str) -> None:
        if self._attribute(name).get("writeOnly"):
            raise AttributeError(f"{self._named(name)} can only be set")

    def _path_for(self, gateway: Gateway) -> str:
        if gateway._endpoint.where != self._gateway._endpoint.where:
            raise ValueError(f"{self._uri} is no object of {gateway._endpoint.where}")
        return f"/o/{self._id}"

    def __dir__(self) -> list[str]:
        described = self._describe()
        return [*super().__dir__(), *described["methods"], *described["attributes"]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and other._uri == self._uri

    def __hash__(self) -> int:
        return hash(self._uri)

    def __repr__(self) -> str:
        return f"<object {self._uri}>"


class Method:
    """A method of an object of a gateway."""

    def __init__(self, of: Object, name: str, start: int = 0) -> None:
        self._of = of
        self._name = name
        self._start = start
        self._fn = _member(of._describe(), name)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        gateway, fn, path = self._of._gateway, self._fn, ["o", self._of._id, self._name]
        body = gateway._body(fn, args, kwargs)
        if fn.get("stream"):
            return gateway._items(_name_of(fn), path, body, self._start)
        return gateway._called(fn, _name_of(fn), path, body)

    def starting_at(self, index: int) -> Method:
        """The same stream, beginning with that item."""
        return Method(self._of, self._name, index)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return _documentation(self._fn)

    @property
    def __signature__(self) -> inspect.Signature:
        return _signature(self._fn)

    def __repr__(self) -> str:
        return f"<method {_name_of(self._fn)}>"


class Batch:
    """Several calls in one request. Its libraries write calls down; what a call gives stands for its result.

        batch = gw.batch()
        user = batch.users.find("Ada")
        orders = batch.orders.of(user["id"])
        paid = batch.object(account).deposit(5)  # an object that is there already
        name, orders, paid = batch.run(user["name"], orders, paid)
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        # Each with its target, and what it takes, where that is known already.
        self._calls: list[tuple[str, dict | None, tuple, dict]] = []

    def object(self, of: Object | str) -> _BatchObject:
        """An object that is there already, or its URI or path: its methods are called and its attributes read in the batch."""
        made = of if isinstance(of, Object) else self._gateway.object(of)
        return _BatchObject(self, made, made._path_for(self._gateway))

    def run(self, *wanted: _Reference) -> list:
        """Makes the calls and gives what these stand for; without any the results of all calls.

        The first that fails ends it: the RemoteError has `batch`.
        """
        gateway, count = self._gateway, len(self._calls)
        wanted = wanted or tuple(_Reference(self, index) for index in range(count))
        order = sorted({reference._place_in(self)[0] for reference in wanted})
        if count == 0:
            return []
        functions = [fn or gateway._describe(target) for target, fn, _, _ in self._calls]
        for reference in wanted:
            reference._check(functions)
        calls = [
            self._call(fn, target, args, kwargs, functions) for fn, (target, _, args, kwargs) in zip(functions, self._calls)
        ]
        code = _FETCH if all(fn.get("safe") for fn in functions) else _POST
        query = ["_why"] if len(order) == count else [f"_w={sum(1 << index for index in order)}", "_why"]
        try:
            answer = gateway._ask("the batch", code, ["b"], query, gateway._encoded(calls, tagged=False))
        except RemoteError as error:
            if error.batch is not None:
                index, results = error.batch
                given = [gateway._as_made(functions[at], result) for at, result in zip(order, results)]
                error.target, error.batch = _name_of(functions[index]), (index, given)
            raise
        given = dict(zip(order, gateway._value(answer)))
        return [_follow(given[index], steps) for index, *steps in (one._place_in(self) for one in wanted)]

    def _call(self, fn: dict, target: str, args: tuple, kwargs: dict, functions: list[dict]) -> list:
        _refuse_stream(fn)
        body = _arranged(fn, args, kwargs)
        if body is None:
            return [target]
        if isinstance(body, list):
            return [target, [self._put(one, functions) for one in body]]
        return [target, {name: self._put(one, functions) for name, one in body.items()}]

    def _put(self, argument: Any, functions: list[dict]) -> Any:
        if not isinstance(argument, _Reference):
            return argument
        place = argument._place_in(self)
        argument._check(functions)
        return cbor2.CBORTag(_REFERENCE, place)

    def _write_down(self, target: str, args: tuple, kwargs: dict, fn: dict | None = None) -> _Reference:
        if len(self._calls) >= _MAX_CALLS:
            raise ValueError(f"a batch has {_MAX_CALLS} calls at most; make a second one")
        self._calls.append((target, fn, args, kwargs))
        return _Reference(self, len(self._calls) - 1)

    def __getattr__(self, name: str) -> _BatchLibrary:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> _BatchLibrary:
        return _BatchLibrary(self, name)


class _BatchLibrary:
    def __init__(self, batch: Batch, name: str) -> None:
        self._batch = batch
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        return lambda *args, **kwargs: self._batch._write_down(f"{self._name}/{name}", args, kwargs)


class _BatchObject:
    def __init__(self, batch: Batch, of: Object, path: str) -> None:
        self.__dict__.update(_batch=batch, _of=of, _path=path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        described, target = self._of._describe(), f"{self._path[1:]}/{name}"
        if name not in described["methods"]:
            self._of._readable(name)
            attribute = {"library": described["library"], "method": f"{described['class']}.{name}", "safe": True}
            return self._batch._write_down(target, (), {}, {**attribute, "parameters": []})
        fn = _member(described, name)
        _refuse_stream(fn)
        return lambda *args, **kwargs: self._batch._write_down(target, args, kwargs, fn)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a batch sets no attributes; set {name} of the object itself")


class _Reference:
    """Stands for a result that is not there yet; `reference["id"]` and `reference[0]` for what is in it."""

    def __init__(self, batch: Batch, *place: Any) -> None:
        self._batch = batch
        self._place = place

    def __getitem__(self, step: str | int) -> _Reference:
        return _Reference(self._batch, *self._place, step)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"what a call of this batch gives is not there yet, and has no {name}: its members are in brackets, [{name!r}]; "
            "of an object, make it first, then call its methods in a batch, batch.object(account).deposit(5)"
        )

    def _check(self, functions: list[dict]) -> None:
        """What an object has is there, and not in the answer."""
        index, *steps = self._place
        fn = functions[index]
        if steps and "class" in fn:
            raise TypeError(f"{_name_of(fn)} gives an object, of which {steps[0]!r} cannot be read in the same batch")

    # Else Python would ask for item after item, without end.
    __iter__ = None

    def _place_in(self, batch: Batch) -> list:
        if batch is not self._batch:
            raise ValueError("what a call of another batch gives cannot be used in this one")
        return list(self._place)


def _follow(value: Any, steps: list) -> Any:
    """None where there is nothing."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _path_to(target: str) -> list[str]:
    return ["func", *target.split("/", 1)]


def _made(answer: _Answer, root: str) -> str:
    """The id in the Location-Path of what was made."""
    location = [value.decode() for number, value in answer.options if number == _LOCATION_PATH]
    if len(location) != 2 or location[0] != root:
        raise NoAnswer("the answer does not say where it is what was made; what answers there is no funcoap gateway")
    return location[1]


def _refusal(target: str, path: list[str], answer: _Answer) -> RemoteError:
    if answer.code == 0x84 and path[0] == "func":
        return NoSuchFunction(target, answer)
    if answer.code == _PRECONDITION_FAILED:
        return StreamLost(target, answer)
    return (ArgumentError if answer.code == 0x96 else RemoteError)(target, answer)


def _name_of(fn: dict) -> str:
    return f"{fn['library']}/{fn.get('method') or fn['class']}"


def _member(described: dict, name: str) -> dict:
    """A method of a class, as a function."""
    method = f"{described['class']}.{name}"
    return {**described["methods"][name], "library": described["library"], "method": method}


def _refuse_stream(fn: dict) -> None:
    if fn.get("stream"):
        raise TypeError(f"{_name_of(fn)} is a stream, which is no part of a batch; read it by a call of its own")


def _documentation(fn: dict) -> str:
    doc = fn.get("doc") or fn.get("title") or ""
    return f"{_name_of(fn).split('/', 1)[1]}{_signature(fn)}\n\n{doc}".strip()


def _signature(fn: dict) -> inspect.Signature:
    kinds = inspect.Parameter
    parameters: list[inspect.Parameter] = []
    for described in fn["parameters"]:
        kind: Any = kinds.POSITIONAL_OR_KEYWORD
        if described.get("rest"):
            kind = kinds.VAR_POSITIONAL
        elif described.get("others"):
            kind = kinds.VAR_KEYWORD
        elif described.get("keyword") or any(before.kind == kinds.VAR_POSITIONAL for before in parameters):
            kind = kinds.KEYWORD_ONLY
        # What may be left out without a literal default is shown as `...`; it is never sent.
        may_omit = not described.get("required") and kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        # Python wants no required parameter behind an optional one: such a one is by name.
        if not may_omit and kind == kinds.POSITIONAL_OR_KEYWORD and any(p.default is not p.empty for p in parameters):
            kind = kinds.KEYWORD_ONLY
        default = described.get("default", ...) if may_omit else kinds.empty
        parameters.append(kinds(_python_name(described["name"]), kind, default=default))
    return inspect.Signature(sorted(parameters, key=lambda parameter: parameter.kind))


def _python_name(name: str) -> str:
    """`from` is `from_`, as PEP 8 has it."""
    name = re.sub(r"\W", "_", name)
    return f"{name}_" if keyword.iskeyword(name) else name


def _arranged(fn: dict, args: tuple, kwargs: dict) -> list | dict | None:
    """By position as long as none has a name, by name otherwise; None where there are none. Checked before they are sent."""
    try:
        bound = _signature(fn).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{_name_of(fn)}: {error}") from None
    if not args and not kwargs:
        return None
    if not kwargs:
        return list(args)
    body: dict = {}
    for described in fn["parameters"]:
        name, known = described["name"], _python_name(described["name"])
        if known in bound:
            value = bound[known]
            body.update(value if described.get("others") else {name: list(value) if described.get("rest") else value})
    return body


def _decoded(payload: bytes) -> Any:
    try:
        value = cbor2.loads(payload) if payload else None
    except Exception as error:
        raise NoAnswer(f"the answer is not CBOR: {error}") from error
    _check_nesting(value)
    return value


_FROZEN_DICT = type(next(iter(cbor2.loads(b"\xa1\xa0\x00"))))
_CONTAINERS = {list, dict, cbor2.CBORTag, tuple, set, frozenset, _FROZEN_DICT}


def _check_nesting(value: Any) -> None:
    """Level by level, so that no answer ends in a RecursionError here or where it is used."""
    level, seen, depth = [value], set(), 0
    while level := [one for one in level if type(one) in _CONTAINERS]:
        depth += 1
        if depth > _MAX_ANSWER_DEPTH:
            raise NoAnswer(f"the answer is nested deeper than {_MAX_ANSWER_DEPTH} levels, which no gateway's is")
        inside: list = []
        for one in level:
            # By tags 28 and 29 a value may contain itself, or one thing so often that nobody could look through it.
            if one != () and id(one) in seen:
                raise NoAnswer("the answer contains a value twice by reference (CBOR tag 29), which no gateway's does")
            seen.add(id(one))
            if isinstance(one, cbor2.CBORTag):
                inside.append(one.value)
            else:
                inside.extend(one)
                if isinstance(one, (dict, _FROZEN_DICT)):
                    inside.extend(one.values())
        level = inside


def _uri_options(path: list[str], query: list[str]) -> _Options:
    return [(_URI_PATH, s.encode()) for s in path] + [(_URI_QUERY, s.encode()) for s in query]


def _body_options(body: bytes) -> _Options:
    return [(_CONTENT_FORMAT, bytes([_CBOR]))] if body else []


class _Endpoint:
    """Requests to one gateway, each with a body and an answer of any size."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise NoAnswer(f"the name {host} cannot be resolved to an address: {error}") from error
        self.host, self.port, self.timeout = host, port, timeout
        name = f"[{host}]" if ":" in host else host
        self.where = f"coap://{name}:{port}"
        self._socket = socket.socket(family, kind, protocol)
        self._socket.connect(address)
        self._lock = threading.Lock()
        self._message_id = random.randrange(0x10000)
        self._echo: bytes | None = None

    def close(self) -> None:
        self._socket.close()

    def tell(self, code: int, options: _Options, body: bytes) -> None:
        if len(body) > 16 << _LARGEST_SZX:
            raise ValueError("a oneway call has arguments of at most 1024 bytes")
        with self._lock:
            self._send(_Message(_NON, code, self._next_id(), os.urandom(4), options + [(_NO_RESPONSE, b"\x1a")], body))

    def request(self, code: int, options: _Options, body: bytes) -> _Answer:
        with self._lock:
            deadline = time.monotonic() + self.timeout
            for _ in range(_MAX_RESTARTS + 1):
                answer = self._transfer(code, options, body, deadline)
                if answer is not None:
                    return answer
                # RFC 7959 §2.4: it changed between its blocks. An unsafe request is not made twice.
                if code not in _SAFE:
                    break
            raise NoAnswer(f"{self.where} changed its answer while it was being read, again and again")

    def _transfer(self, code: int, options: _Options, body: bytes, deadline: float, token: bytes | None = None) -> _Answer | None:
        szx, echoed = _LARGEST_SZX, False
        if len(body) > 16 << szx and all(number != _REQUEST_TAG for number, _ in options):
            options = [*options, (_REQUEST_TAG, os.urandom(4))]
        while True:
            answer, szx = self._upload(code, options, body, szx, deadline, token)
            smaller = _block(answer.option(_BLOCK1))
            if answer.code == _UNAUTHORIZED and answer.option(_ECHO) is not None and not echoed:
                echoed = True  # RFC 9175 §2.3: once more, with the Echo
            elif answer.code == _TOO_LARGE and smaller is not None and smaller[2] < szx:
                szx = smaller[2]  # RFC 7959 §2.9.3
            else:
                return self._download(code, options, answer, deadline)

    def _upload(
        self, code: int, options: _Options, body: bytes, szx: int, deadline: float, token: bytes | None
    ) -> tuple[_Answer, int]:
        wanted = (_BLOCK2, _block_value(0, False, _LARGEST_SZX))
        if len(body) <= 16 << szx:
            return self._exchange(code, [*options, wanted], body, deadline, token), szx
        sent = 0
        while True:
            size = 16 << szx
            more = sent + size < len(body)
            block = [(_BLOCK1, _block_value(sent // size, more, szx))]
            if sent == 0:
                block.append((_SIZE1, _uint(len(body))))
            if not more:
                block.append(wanted)
            answer = self._exchange(code, options + block, body[sent : sent + size], deadline, token)
            if answer.code != _CONTINUE or not more:
                return answer, szx
            sent += size
            asked = _block(answer.option(_BLOCK1))
            if asked is not None and asked[2] < szx and sent % (16 << asked[2]) == 0:
                szx = asked[2]

    def _download(self, code: int, options: _Options, answer: _Answer, deadline: float) -> _Answer | None:
        # RFC 7959 §3.4: what is asked for later is one answer.
        options = [option for option in options if option[0] != _OBSERVE]
        received = bytearray(answer.payload)
        etag = answer.option(_ETAG)
        block = _block(answer.option(_BLOCK2))
        # An error is whole, whatever it says of blocks.
        while block is not None and block[1] and answer.code >> 5 == 2:
            number, szx = len(received) >> (block[2] + 4), block[2]
            # The body has been sent: later blocks are asked for without it (RFC 7959 §3.3).
            answer = self._exchange(code, [*options, (_BLOCK2, _block_value(number, False, szx))], b"", deadline)
            block = _block(answer.option(_BLOCK2))
            if answer.code == _INCOMPLETE or answer.option(_ETAG) != etag:
                return None
            if answer.code >> 5 != 2:
                return answer
            if block is None or block[0] << (block[2] + 4) != len(received):
                return None
            received += answer.payload
            if len(received) > _MAX_ANSWER_BYTES:
                raise NoAnswer(f"{self.where} sent more than {_MAX_ANSWER_BYTES} bytes")
        return answer._replace(payload=bytes(received))

    def _exchange(self, code: int, options: _Options, payload: bytes, deadline: float, token: bytes | None = None) -> _Answer:
        """One request and its response (RFC 7252 §4.2, §5.2), piggybacked or separate."""
        if self._echo is not None:
            options, self._echo = [*options, (_ECHO, self._echo)], None
        request = _Message(_CON, code, self._next_id(), token or os.urandom(4), options, payload)
        wait = random.uniform(_ACK_TIMEOUT, _ACK_TIMEOUT * _ACK_RANDOM_FACTOR)
        sent, again = 1, time.monotonic() + wait
        acknowledged = False
        if self._socket.fileno() >= 0:
            # What the network said of an earlier message is nothing about this one.
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._send(request)
        while True:
            now = time.monotonic()
            if now >= deadline or (not acknowledged and now >= again and sent > _MAX_RETRANSMIT):
                raise NoAnswer(f"{self.where} did not answer in time; see that a gateway is running there")
            if not acknowledged and now >= again:
                self._send(request)
                sent, wait, again = sent + 1, wait * 2, now + wait * 2
            if acknowledged and now >= again:
                # RFC 7252 §4.3: where nothing listens any more, the network says so.
                self._send(_Message(_CON, 0, self._next_id(), b"", [], b""))
                again = now + _PING_AFTER
            message = self._receive(min(deadline, again) - time.monotonic())
            if message is None:
                continue
            if message.type == _RST and message.message_id == request.message_id:
                raise NoAnswer(f"{self.where} rejected the message")
            if message.code == 0:
                if message.type == _ACK and message.message_id == request.message_id:
                    acknowledged, again = True, time.monotonic() + _PING_AFTER
                continue
            if not self._answers(message, request):
                self._unexpected(message)
                continue
            if message.type == _CON:
                self._reply(_ACK, message)
            if message.type == _ACK and message.message_id != request.message_id:
                continue
            answer = self._answer_in(message)
            self._echo = answer.option(_ECHO)
            return answer

    def _answers(self, message: _Message, request: _Message) -> bool:
        return message.token == request.token and message.code >> 5 in (2, 4, 5)

    def _unexpected(self, message: _Message) -> None:
        if message.type == _CON:
            self._reply(_RST, message)

    def _reply(self, type: int, message: _Message) -> None:
        self._send(_Message(type, 0, message.message_id, b"", [], b""))

    def _answer_in(self, message: _Message) -> _Answer:
        unknown = [n for n, _ in message.options if n & 1 and n not in _KNOWN_CRITICAL]
        if unknown:  # RFC 7252 §5.4.1
            raise NoAnswer(f"{self.where} answered with the critical option {unknown[0]}, which is not understood")
        return _Answer(message.code, message.options, message.payload)

    def _next_id(self) -> int:
        self._message_id = (self._message_id + 1) & 0xFFFF
        return self._message_id

    def _send(self, message: _Message) -> None:
        try:
            self._socket.send(_encode(message))
        except ConnectionRefusedError as error:
            raise NoAnswer(f"{self.where} cannot be reached: nothing listens there") from error
        except OSError as error:
            raise NoAnswer(self._said(f"cannot be sent to: {error}")) from error

    def _receive(self, span: float) -> _Message | None:
        """The next message, or None where there was none in time, or none that can be read."""
        try:
            self._socket.settimeout(max(span, 0.001))
            return _decode(self._socket.recv(0x10000))
        except (TimeoutError, socket.timeout):  # two before Python 3.10
            return None
        except ConnectionRefusedError as error:
            raise NoAnswer(f"{self.where} cannot be reached: nothing listens there") from error
        except OSError as error:
            raise NoAnswer(self._said(f"cannot be read from: {error}")) from error

    def _said(self, what: str) -> str:
        is_closed = self._socket.fileno() < 0
        return f"the connection to {self.where} was closed; connect() again" if is_closed else f"{self.where} {what}"


class _Observation(_Endpoint):
    """What a gateway tells again and again (RFC 7641), on a socket of its own, beside which calls go on.

    What was told is acknowledged when the next is wanted, so that the gateway waits for who reads.
    """

    def __init__(self, beside: _Endpoint) -> None:
        super().__init__(beside.host, beside.port, beside.timeout)
        self.over = True
        self._leaving = False
        self._request: tuple[int, _Options, bytes] = (0, [], b"")
        self._token = b""
        self._heard = 0.0
        self._told: deque[_Message] = deque()
        self._held: _Message | None = None

    def begin(self, code: int, options: _Options, body: bytes, end: float = math.inf) -> _Answer:
        """Takes the place of the one before. Its answer may be the first that is told, where that has overtaken it."""
        # RFC 9175 §3.3: it says to which body the later blocks of what is told belong.
        options = [*options, (_REQUEST_TAG, os.urandom(4))] if len(body) > 16 << _LARGEST_SZX else options
        if self.over or self._request != (code, options, body):
            self._token = os.urandom(4)
        # RFC 7641 §3.3.1: what is the same is registered again under its token, so that the gateway has one observation of it.
        self._request = (code, options, body)
        self._told.clear()
        self._held = None
        self.over = False
        deadline = min(time.monotonic() + self.timeout, end)
        answer = self._transfer(code, [*options, (_OBSERVE, b"")], body, deadline, self._token)
        if answer is None:
            raise NoAnswer(f"{self.where} changed its answer while it was being read")
        self._heard = time.monotonic()
        # RFC 7641 §4.2: an error is the end of it.
        self.over = answer.code >> 5 != 2
        return answer

    def next(self, span: float) -> _Answer | None:
        """None after so many seconds of silence, of those that passed before it was wanted too."""
        if self._held is not None:
            self._reply(_ACK, self._held)
            self._held = None
            # It had to be silent until now.
            if time.monotonic() < self._heard + _PATIENCE:
                self._heard = time.monotonic()
        end = self._heard + span
        while True:
            message = self._told.popleft() if self._told else self._receive(end - time.monotonic())
            if message is not None and message.token == self._token and message.code >> 5 in (2, 4, 5):
                return self._whole(message)
            if message is not None:
                self._unexpected(message)
            if time.monotonic() >= end:
                return None

    def _whole(self, message: _Message) -> _Answer:
        self._heard = time.monotonic()
        answer = self._answer_in(message)
        self.over = answer.code >> 5 != 2
        block = _block(answer.option(_BLOCK2))
        if message.type == _CON and (self.over or (block is not None and block[1])):
            self._reply(_ACK, message)
        elif message.type == _CON:
            self._held = message
        code, options, _ = self._request
        whole = self._download(code, options, answer, time.monotonic() + self.timeout)
        if whole is None:
            raise NoAnswer(f"{self.where} changed what it told while it was being read")
        return whole

    def _answers(self, message: _Message, request: _Message) -> bool:
        is_told = self._leaving and any(number == _OBSERVE for number, _ in message.options)
        return super()._answers(message, request) and not is_told

    def _unexpected(self, message: _Message) -> None:
        # What one before this has told is acknowledged: a Reset would end what this one goes on with, and silence hold it up.
        if message.token == self._token and not self._leaving:
            self._told.append(message)
        elif message.type == _CON:
            self._reply(_ACK, message)

    def __enter__(self) -> _Observation:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.over and self._held is not None:
                self._reply(_ACK, self._held)
            elif not self.over:
                # RFC 7641 §3.6
                self._leaving = True
                code, options, body = self._request
                deadline = time.monotonic() + _LEAVE_TIMEOUT
                self._transfer(code, [*options, (_OBSERVE, b"\x01")], body, deadline, self._token)
        except Error:
            pass  # The gateway finds out by itself.
        finally:
            self.close()


def _dotted(code: int) -> str:
    return f"{code >> 5}.{code & 31:02}"


def _uint(n: int) -> bytes:
    """RFC 7252 §3.2: as few bytes as possible."""
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def _block_value(number: int, more: bool, szx: int) -> bytes:
    """RFC 7959 §2.2"""
    return _uint(number << 4 | more << 3 | szx)


def _block(value: bytes | None) -> tuple[int, bool, int] | None:
    if value is None or len(value) > 3:
        return None
    n = int.from_bytes(value, "big")
    return None if n & 7 == 7 else (n >> 4, bool(n & 8), n & 7)


def _encode(message: _Message) -> bytes:
    """RFC 7252 §3"""
    out = bytearray([0x40 | message.type << 4 | len(message.token), message.code])
    out += message.message_id.to_bytes(2, "big") + message.token
    last = 0
    for number, value in sorted(message.options, key=lambda option: option[0]):
        (delta, delta_more), (length, length_more) = _nibble(number - last), _nibble(len(value))
        out += bytes([delta << 4 | length]) + delta_more + length_more + value
        last = number
    return bytes(out + b"\xff" + message.payload if message.payload else out)


def _nibble(n: int) -> tuple[int, bytes]:
    if n < 13:
        return n, b""
    return (13, bytes([n - 13])) if n < 269 else (14, (n - 269).to_bytes(2, "big"))


def _decode(data: bytes) -> _Message | None:
    """None where it is no CoAP message: what is not understood is not answered."""
    try:
        if data[0] >> 6 != 1:
            return None
        length, at = data[0] & 15, 4
        token, at = data[at : at + length], at + length
        options: _Options = []
        number = 0
        while at < len(data) and data[at] != 0xFF:
            delta, size, at = data[at] >> 4, data[at] & 15, at + 1
            delta, at = _extended(delta, data, at)
            size, at = _extended(size, data, at)
            if at + size > len(data):
                return None
            number += delta
            options.append((number, data[at : at + size]))
            at += size
        return _Message(data[0] >> 4 & 3, data[1], int.from_bytes(data[2:4], "big"), token, options, data[at + 1 :])
    except (IndexError, ValueError):
        return None


def _extended(nibble: int, data: bytes, at: int) -> tuple[int, int]:
    if nibble == 13:
        return data[at] + 13, at + 1
    if nibble == 14:
        return int.from_bytes(data[at : at + 2], "big") + 269, at + 2
    if nibble == 15:
        raise ValueError("reserved")
    return nibble, at
