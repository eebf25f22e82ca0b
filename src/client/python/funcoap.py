"""Calls the functions of a funcoap gateway from plain Python: this one file, and cbor2.

    import funcoap

    with funcoap.connect("coap://127.0.0.1") as gw:
        gw.math.add(1, 2)                      # 3
        gw.oslist.list(databasefile="os-list.db")
        print(gw.math.add.__doc__)             # its signature and documentation

CoAP over UDP (RFC 7252): confirmable requests with retransmission, block-wise bodies both ways (RFC 7959), FETCH for safe
functions (RFC 8132), Echo (RFC 9175), answers kept as long as they are fresh and then confirmed by ETag, oneway calls (RFC 7967).

Left out: DTLS (so plain coap: only, which a gateway takes on loopback by default), HTTP, observation, batches.
One request is under way at a time; a connection may be shared between threads, which then wait for each other.
"""

from __future__ import annotations

import inspect
import os
import random
import socket
import threading
import time
from collections import OrderedDict
from datetime import timezone
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import cbor2

__all__ = ["ArgumentError", "Error", "Gateway", "NoAnswer", "NoSuchFunction", "RemoteError", "connect"]


class Error(Exception):
    """The base of all errors of this module."""


class NoAnswer(Error):
    """The gateway cannot be reached, or did not answer in time."""


class RemoteError(Error):
    """The gateway answered 4.xx or 5.xx.

    `status` is the response code ("4.22"), `number` that of the problem (docs/errors.md) or None, `parameter` the id or name of
    the one that it is about, `thrown` what the function threw, (class, message, traceback, attributes), where the gateway tells.
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
        self.retry_after: int | None = answer.max_age if answer.code in (0x9D, 0xA3) else None
        super().__init__(details.get(-2) or details.get(-1) or f"{target} was answered {self.status}")


class NoSuchFunction(RemoteError, AttributeError):
    """4.04: the library or the function is not there."""


class ArgumentError(RemoteError, TypeError):
    """4.22: the arguments do not fit the signature, or the function refuses them."""


# RFC 7252 §4.8
_ACK_TIMEOUT = 2.0
_ACK_RANDOM_FACTOR = 1.5
_MAX_RETRANSMIT = 4

_CON, _NON, _ACK, _RST = range(4)
_GET, _POST, _FETCH = 1, 2, 5
_CONTINUE, _VALID, _UNAUTHORIZED, _INCOMPLETE, _TOO_LARGE = 0x5F, 0x43, 0x81, 0x88, 0x8D
_ETAG, _URI_PATH, _CONTENT_FORMAT, _MAX_AGE, _URI_QUERY, _ACCEPT = 4, 11, 12, 14, 15, 17
_BLOCK2, _BLOCK1, _SIZE1, _ECHO, _NO_RESPONSE, _REQUEST_TAG = 23, 27, 60, 252, 258, 292
_KNOWN_CRITICAL = {1, 3, 5, 7, 11, 15, 17, 23, 27, 35, 39}
_CBOR, _PROBLEM_DETAILS = 60, 257

# No RFC gives these.
_LARGEST_SZX = 6
_MAX_KEPT = 1000
_MAX_ANSWER_BYTES = 64 << 20
_MAX_RESTARTS = 2


class _Message(NamedTuple):
    type: int
    code: int
    message_id: int
    token: bytes
    options: list[tuple[int, bytes]]
    payload: bytes


class _Answer(NamedTuple):
    code: int
    options: list[tuple[int, bytes]]
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


def connect(uri: str, timeout: float = 120.0) -> Gateway:
    """Connects to `coap://host:port` and asks what libraries there are. `timeout` is for one call, in seconds."""
    parts = urlsplit(uri)
    if parts.scheme != "coap" or parts.hostname is None or parts.path not in ("", "/") or parts.query:
        raise ValueError(f"{uri} is not coap://host:port; this client speaks plain CoAP only")
    gateway = Gateway(_Endpoint(parts.hostname, parts.port or 5683, timeout))
    try:
        gateway.refresh()
    except BaseException:
        gateway.close()
        raise
    return gateway


class Gateway:
    """A gateway; its attributes are libraries, theirs are functions."""

    def __init__(self, endpoint: _Endpoint) -> None:
        self._endpoint = endpoint
        self._libraries: dict[str, Any] = {}
        self._described: dict[str, dict] = {}
        self._kept: OrderedDict[tuple, tuple[_Answer, float]] = OrderedDict()

    def refresh(self) -> None:
        """Asks again what there is; what was known of functions is forgotten."""
        self._libraries = _decoded(self._ask("func", _GET, ["func"]).payload)
        if not isinstance(self._libraries, dict):
            raise NoAnswer("what answers there is no funcoap gateway")
        self._described.clear()

    def close(self) -> None:
        self._endpoint.close()

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Library:
        if name.startswith("_"):
            raise AttributeError(name)
        return Library(self, name)

    def __getitem__(self, name: str) -> Library:
        return Library(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._libraries]

    def _describe(self, target: str) -> dict:
        found = self._described.get(target)
        if found is None:
            answer = self._ask(target, _GET, ["func", *target.split("/", 1)], ["_describe", "_why"])
            found = self._described[target] = _decoded(answer.payload)
        return found

    def _callable(self, target: str) -> dict:
        fn = self._describe(target)
        if "class" in fn or fn.get("stream"):
            what = "a class" if "class" in fn else "a stream"
            raise Error(f"{target} is {what}, which this client does not know: docs/sdk.md says which do")
        return fn

    def _call(self, target: str, args: tuple, kwargs: dict) -> Any:
        path = ["func", *target.split("/", 1)]
        for again in (True, False):
            known = target in self._described
            fn = self._callable(target)
            code = _FETCH if fn.get("safe") else _POST
            try:
                return _value(self._ask(target, code, path, ["_why"], _body(fn, args, kwargs)))
            except RemoteError as error:
                # 4.04 and 4.05 come before a function runs: it has changed since it was described.
                if error.status not in ("4.04", "4.05") or not known or not again:
                    raise
                self.refresh()
        raise AssertionError("not reached")

    def _tell(self, target: str, args: tuple, kwargs: dict) -> None:
        body = _body(self._callable(target), args, kwargs)
        self._endpoint.tell(_POST, _uri_options(["func", *target.split("/", 1)], []) + _body_options(body), body)

    def _ask(
        self, target: str, code: int, path: list[str], query: list[str] | None = None, body: bytes = b""
    ) -> _Answer:
        key = (tuple(path), tuple(query or []), body)
        kept, fresh_until = self._kept.get(key, (None, 0.0)) if code != _POST else (None, 0.0)
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
            if answer.code == 0x84:
                raise NoSuchFunction(target, answer)
            raise (ArgumentError if answer.code == 0x96 else RemoteError)(target, answer)
        if code != _POST and answer.option(_ETAG) is not None:
            self._keep(key, answer, answer.max_age)
        return answer

    def _keep(self, key: tuple, answer: _Answer, max_age: int) -> None:
        self._kept[key] = (answer, time.monotonic() + max_age)
        self._kept.move_to_end(key)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)


class Library:
    """A library of a gateway; its attributes are functions."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self._gateway = gateway
        self._name = name

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._gateway, f"{self._name}/{name}")

    def __getitem__(self, name: str) -> Function:
        return Function(self._gateway, f"{self._name}/{name}")

    def __dir__(self) -> list[str]:
        listed = _decoded(self._gateway._ask(self._name, _GET, ["func", self._name]).payload)
        return [*super().__dir__(), *listed["functions"]]


class Function:
    """A function of a gateway."""

    def __init__(self, gateway: Gateway, target: str) -> None:
        self._gateway = gateway
        self._target = target

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._gateway._call(self._target, args, kwargs)

    def oneway(self, /, *args: Any, **kwargs: Any) -> None:
        """Calls it and wants no answer (RFC 7967): returns when the request has been sent, whatever comes of it."""
        self._gateway._tell(self._target, args, kwargs)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        fn = self._gateway._describe(self._target)
        doc = fn.get("doc") or fn.get("title") or ""
        return f"{fn.get('method') or fn['class']}{_signature(fn)}\n\n{doc}".strip()

    @property
    def __signature__(self) -> inspect.Signature:
        return _signature(self._gateway._describe(self._target))

    def __repr__(self) -> str:
        return f"<function {self._target}>"


def _signature(fn: dict) -> inspect.Signature:
    kinds, parameters = inspect.Parameter, []
    for described in fn["parameters"]:
        kind = kinds.POSITIONAL_OR_KEYWORD
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
        parameters.append(kinds(described["name"], kind, default=default))
    return inspect.Signature(sorted(parameters, key=lambda parameter: parameter.kind))


def _body(fn: dict, args: tuple, kwargs: dict) -> bytes:
    """The arguments as CBOR: by position as long as none has a name, by name otherwise. Checked before they are sent."""
    try:
        bound = _signature(fn).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{fn['library']}/{fn['method']}: {error}") from None
    if not args and not kwargs:
        return b""
    body: Any = list(args) if not kwargs else {}
    if kwargs:
        for described in fn["parameters"]:
            name = described["name"]
            if name in bound:
                value = bound[name]
                body.update(value if described.get("others") else {name: list(value) if described.get("rest") else value})
    # RFC 8949 §3.4.2: a date is a number of seconds.
    return cbor2.dumps(body, datetime_as_timestamp=True, timezone=timezone.utc)


def _value(answer: _Answer) -> Any:
    if answer.content_format is None and not answer.payload:
        return None
    return _decoded(answer.payload) if answer.content_format == _CBOR else answer.payload


def _decoded(payload: bytes) -> Any:
    try:
        return cbor2.loads(payload) if payload else None
    except Exception as error:
        raise NoAnswer(f"the answer is not CBOR: {error}") from error


def _uri_options(path: list[str], query: list[str]) -> list[tuple[int, bytes]]:
    return [(_URI_PATH, s.encode()) for s in path] + [(_URI_QUERY, s.encode()) for s in query]


def _body_options(body: bytes) -> list[tuple[int, bytes]]:
    return [(_CONTENT_FORMAT, bytes([_CBOR]))] if body else []


class _Endpoint:
    """Requests to one gateway, each with a body and an answer of any size."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise NoAnswer(f"the name {host} cannot be resolved to an address: {error}") from error
        self._where = f"coap://{host}:{port}"
        self._socket = socket.socket(family, kind, protocol)
        self._socket.connect(address)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._message_id = random.randrange(0x10000)
        self._echo: bytes | None = None

    def close(self) -> None:
        self._socket.close()

    def tell(self, code: int, options: list[tuple[int, bytes]], body: bytes) -> None:
        if len(body) > 16 << _LARGEST_SZX:
            raise ValueError("a oneway call has arguments of at most 1024 bytes")
        with self._lock:
            self._send(_Message(_NON, code, self._next_id(), os.urandom(4), options + [(_NO_RESPONSE, b"\x1a")], body))

    def request(self, code: int, options: list[tuple[int, bytes]], body: bytes) -> _Answer:
        with self._lock:
            deadline = time.monotonic() + self._timeout
            for _ in range(_MAX_RESTARTS + 1):
                answer = self._transfer(code, options, body, deadline)
                if answer is not None:
                    return answer
                # RFC 7959 §2.4: it changed between its blocks. An unsafe request is not made twice.
                if code == _POST:
                    break
            raise NoAnswer(f"{self._where} changed its answer while it was being read, again and again")

    def _transfer(self, code: int, options: list[tuple[int, bytes]], body: bytes, deadline: float) -> _Answer | None:
        szx, echoed = _LARGEST_SZX, False
        if len(body) > 16 << szx:
            options = [*options, (_REQUEST_TAG, os.urandom(4))]
        while True:
            answer, szx = self._upload(code, options, body, szx, deadline)
            smaller = _block(answer.option(_BLOCK1))
            if answer.code == _UNAUTHORIZED and answer.option(_ECHO) is not None and not echoed:
                echoed = True  # RFC 9175 §2.3: once more, with the Echo
            elif answer.code == _TOO_LARGE and smaller is not None and smaller[2] < szx:
                szx = smaller[2]  # RFC 7959 §2.9.3
            else:
                return self._download(code, options, answer, deadline)

    def _upload(
        self, code: int, options: list[tuple[int, bytes]], body: bytes, szx: int, deadline: float
    ) -> tuple[_Answer, int]:
        wanted = (_BLOCK2, _block_value(0, False, _LARGEST_SZX))
        if len(body) <= 16 << szx:
            return self._exchange(code, [*options, wanted], body, deadline), szx
        sent = 0
        while True:
            size = 16 << szx
            more = sent + size < len(body)
            block = [(_BLOCK1, _block_value(sent // size, more, szx))]
            if sent == 0:
                block.append((_SIZE1, _uint(len(body))))
            if not more:
                block.append(wanted)
            answer = self._exchange(code, options + block, body[sent : sent + size], deadline)
            if answer.code != _CONTINUE or not more:
                return answer, szx
            sent += size
            asked = _block(answer.option(_BLOCK1))
            if asked is not None and asked[2] < szx and sent % (16 << asked[2]) == 0:
                szx = asked[2]

    def _download(
        self, code: int, options: list[tuple[int, bytes]], answer: _Answer, deadline: float
    ) -> _Answer | None:
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
                raise NoAnswer(f"{self._where} sent more than {_MAX_ANSWER_BYTES} bytes")
        return answer._replace(payload=bytes(received))

    def _exchange(self, code: int, options: list[tuple[int, bytes]], payload: bytes, deadline: float) -> _Answer:
        """One request and its response (RFC 7252 §4.2, §5.2), piggybacked or separate."""
        if self._echo is not None:
            options, self._echo = [*options, (_ECHO, self._echo)], None
        request = _Message(_CON, code, self._next_id(), os.urandom(4), options, payload)
        wait = random.uniform(_ACK_TIMEOUT, _ACK_TIMEOUT * _ACK_RANDOM_FACTOR)
        sent, again = 1, time.monotonic() + wait
        acknowledged = False
        self._send(request)
        while True:
            now = time.monotonic()
            if now >= deadline or (not acknowledged and now >= again and sent > _MAX_RETRANSMIT):
                raise NoAnswer(f"{self._where} did not answer in time; see that a gateway is running there")
            if not acknowledged and now >= again:
                self._send(request)
                sent, wait, again = sent + 1, wait * 2, now + wait * 2
            message = self._receive(min(deadline, deadline if acknowledged else again) - time.monotonic())
            if message is None:
                continue
            if message.type == _RST and message.message_id == request.message_id:
                raise NoAnswer(f"{self._where} rejected the message")
            if message.code == 0:
                acknowledged = acknowledged or (message.type == _ACK and message.message_id == request.message_id)
                continue
            ours = message.token == request.token and message.code >> 5 in (2, 4, 5)
            if message.type == _CON:
                self._send(_Message(_ACK if ours else _RST, 0, message.message_id, b"", [], b""))
            if not ours or (message.type == _ACK and message.message_id != request.message_id):
                continue
            unknown = [n for n, _ in message.options if n & 1 and n not in _KNOWN_CRITICAL]
            if unknown:  # RFC 7252 §5.4.1
                raise NoAnswer(f"{self._where} answered with the critical option {unknown[0]}, which is not understood")
            answer = _Answer(message.code, message.options, message.payload)
            self._echo = answer.option(_ECHO)
            return answer

    def _next_id(self) -> int:
        self._message_id = (self._message_id + 1) & 0xFFFF
        return self._message_id

    def _send(self, message: _Message) -> None:
        try:
            self._socket.send(_encode(message))
        except ConnectionRefusedError as error:
            raise NoAnswer(f"{self._where} cannot be reached: nothing listens there") from error
        except OSError as error:
            raise NoAnswer(f"{self._where} cannot be sent to: {error}") from error

    def _receive(self, span: float) -> _Message | None:
        """The next message, or None where there was none in time, or none that can be read."""
        self._socket.settimeout(max(span, 0.001))
        try:
            return _decode(self._socket.recv(0x10000))
        except TimeoutError:
            return None
        except socket.timeout:  # before Python 3.10
            return None
        except ConnectionRefusedError as error:
            raise NoAnswer(f"{self._where} cannot be reached: nothing listens there") from error
        except OSError as error:
            raise NoAnswer(f"{self._where} cannot be read from: {error}") from error


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
        options: list[tuple[int, bytes]] = []
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
