"""The Python client against a gateway: URIs come in the environment, the library is the test's (python-client.test.ts)."""

import dataclasses
import enum
import inspect
import os
import threading
import time
import unittest
import uuid
from collections import OrderedDict
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock_time
from decimal import Decimal
from pathlib import PurePosixPath

import funcoap

URI = os.environ["GATEWAY"]
LOSSY = os.environ["LOSSY_GATEWAY"]


class Calls(unittest.TestCase):
    def setUp(self):
        self.gw = funcoap.connect(URI)
        self.addCleanup(self.gw.close)

    def requests(self):
        """Counts the exchanges from now on."""
        endpoint, count = self.gw._endpoint, [0]
        exchange = endpoint._exchange

        def counted(*args):
            count[0] += 1
            return exchange(*args)

        endpoint._exchange = counted
        return count

    def test_classes_and_streams_are_documented(self):
        lib = self.gw.lib
        self.assertEqual(lib.Account.__doc__, "Account(owner)")
        self.assertEqual(lib.ticks.__doc__, "ticks()")

    def test_by_position_and_by_name_with_defaults(self):
        add = self.gw.lib.add
        self.assertEqual(add(1, 2), 3)
        self.assertEqual(add(b=3, a=1), 4)
        self.assertEqual(add(1, b=3), 4)
        self.assertEqual(add(1), 21)
        self.assertEqual(self.gw["lib"]["add"](1), 21)
        self.assertEqual(self.gw.lib.total(1, 2, 3), 6)
        self.assertIsNone(self.gw.lib.nothing())

    def test_arguments_that_do_not_fit_are_refused_before_they_are_sent(self):
        self.gw.lib.add(1)
        count = self.requests()
        for args, kwargs in [((), {}), ((1, 2, 3), {}), ((1,), {"c": 2})]:
            with self.assertRaises(TypeError):
                self.gw.lib.add(*args, **kwargs)
        self.assertEqual(count[0], 0)

    def test_what_the_gateway_refuses_is_an_exception(self):
        with self.assertRaises(funcoap.ArgumentError) as caught:
            self.gw.lib.add("x", 1)
        self.assertEqual((caught.exception.status, caught.exception.number), ("4.22", 10))
        self.assertIn("a must be a number", str(caught.exception))
        with self.assertRaises(funcoap.NoSuchFunction):
            self.gw.lib.ad(1)
        with self.assertRaises(AttributeError):
            self.gw.lub.add(1)
        with self.assertRaises(funcoap.RemoteError) as caught:
            self.gw.lib.fail()
        self.assertEqual(caught.exception.thrown[:2], ("RangeError", "no such luck"))

    def test_signature_and_documentation(self):
        self.assertEqual(str(inspect.signature(self.gw.lib.add)), "(a, b=20)")
        self.assertEqual(self.gw.lib.add.__doc__, "add(a, b=20)\n\nAdds two numbers.")
        self.assertIn("lib", dir(self.gw))
        self.assertIn("add", dir(self.gw.lib))

    def test_values(self):
        when = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
        for value in [None, True, 1.5, 2**70, "ä", b"\x00\xff", [1, {"a": [2]}], when]:
            self.assertEqual(self.gw.lib.echo(value), value)

    def test_what_cbor_has_no_type_for_travels_as_a_library_in_python_would_return_it(self):
        @dataclasses.dataclass
        class Point:
            x: int
            y: object = None

        class Shelf(enum.IntEnum):
            LEFT = 1

        class Text(str):
            pass

        pairs = [
            ({2, 1, 3}, [1, 2, 3]),
            (frozenset({"b", "a"}), ["a", "b"]),
            ({frozenset({"b"}), frozenset({"a"})}, [["a"], ["b"]]),
            ((1, (2,)), [1, [2]]),
            (Decimal("1.50"), "1.50"),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (date(2026, 1, 31), "2026-01-31"),
            (clock_time(12), "12:00:00"),
            (timedelta(minutes=1), 60),
            (PurePosixPath("a/b"), "a/b"),
            (bytearray(b"b"), b"b"),
            (memoryview(b"m"), b"m"),
            (Shelf.LEFT, 1),
            (Text("t"), "t"),
            ({Shelf.LEFT: Point(1, Decimal(2))}, {1: {"x": 1, "y": "2"}}),
            ({(1, 2): 3}, {(1, 2): 3}),
            (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ]
        for given, got in pairs:
            self.assertEqual(self.gw.lib.echo(given), got)
            self.assertEqual(self.gw.lib.echo([given]), [got])

    def test_a_date_without_a_time_zone_is_of_this_machine(self):
        before = os.environ.get("TZ")
        os.environ["TZ"] = "Asia/Kolkata"
        time.tzset()
        try:
            got = self.gw.lib.echo(datetime(2026, 1, 31, 12))
        finally:
            os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
            time.tzset()
        self.assertEqual(got, datetime(2026, 1, 31, 6, 30, tzinfo=timezone.utc))

    def test_what_cannot_be_sent_is_refused_before_it_is(self):
        endless: list = []
        endless.append(endless)
        self.gw.lib.echo(1)
        count = self.requests()
        for value, error in [(object(), TypeError), ({"a": {1j}}, TypeError), (int, TypeError), (endless, ValueError)]:
            with self.assertRaisesRegex(error, "cannot be sent|contains itself"):
                self.gw.lib.echo(value)
        self.assertEqual(count[0], 0)

    def test_what_is_closed_says_so(self):
        self.gw.close()
        with self.assertRaisesRegex(funcoap.NoAnswer, "was closed; connect"):
            self.gw.lib.count()
        self.gw.close()

    def answered(self, payload):
        """What a call gives where the gateway answers so."""
        self.gw.lib.count()
        exchange = self.gw._endpoint._exchange
        self.gw._endpoint._exchange = lambda *args: exchange(*args)._replace(payload=payload)
        try:
            return self.gw.lib.count()
        finally:
            self.gw._endpoint._exchange = exchange

    def test_an_answer_that_no_gateway_gives_is_an_error_of_this_module(self):
        deep = [head * count + b"\x01" for head in (b"\x81", b"\xa1\x01", b"\xc6", b"\xa1\x81") for count in (161, 400, 100_000)]
        # In a list, a map and a tag; the last has a list twice, which thirty times over would be looked through for hours.
        shared = ["d81c81d81d00", "d81ca101d81d00", "d81cd82781d81d00", "82d81c8101d81d00"]
        for payload in [*deep, *map(bytes.fromhex, shared)]:
            with self.assertRaisesRegex(funcoap.NoAnswer, "nested deeper|twice by reference|is not CBOR"):
                self.answered(payload)

    def test_the_result_of_a_job_that_cannot_be_read_is_not_asked_for_again(self):
        job, count, begin = self.gw.lib.count.job(), [0], funcoap._Observation.begin
        self.addCleanup(setattr, funcoap._Observation, "begin", begin)

        def deep(*args):
            count[0] += 1
            return begin(*args)._replace(payload=b"\x81" * 161 + b"\x01")

        funcoap._Observation.begin = deep
        with self.assertRaisesRegex(funcoap.NoAnswer, "nested deeper"):
            job.result(timeout=2)
        self.assertEqual(count[0], 1)

    def test_a_deep_answer_that_a_gateway_may_give_is_given(self):
        for head in (b"\x81", b"\xa1\x01"):
            value = self.answered(head * 159 + b"\xd8\x27" + b"\x64/o/A")
            for _ in range(159):
                value = value[0] if head == b"\x81" else value[1]
            self.assertEqual(value._uri, f"{URI}/o/A")
        self.assertEqual(self.answered(bytes.fromhex("a280018102830180a0")), {(): 1, (2,): [1, [], {}]})

    def test_long_bodies_travel_in_blocks_both_ways(self):
        text = "".join(chr(97 + i % 26) for i in range(40_000))
        count = self.requests()
        self.assertEqual(self.gw.lib.echo(text), text)
        self.assertGreater(count[0], 70)

    def test_a_fresh_answer_is_not_asked_for_again(self):
        self.gw.lib.add(5, 5)
        count = self.requests()
        self.assertEqual(self.gw.lib.add(5, 5), 10)
        self.assertEqual(count[0], 0)

    def test_an_answer_that_is_not_fresh_is_confirmed_by_its_etag(self):
        first = self.gw.lib.big("abc")
        count = self.requests()
        self.assertEqual(self.gw.lib.big("abc"), first)
        # Its thirty blocks do not come again.
        self.assertEqual(count[0], 1)

    def test_after_refresh_the_gateway_is_asked_what_there_is_and_what_it_gives(self):
        self.gw.lib.add(6, 6)
        count = self.requests()
        self.gw.refresh()
        self.assertEqual(count[0], 1)
        self.assertEqual(self.gw.lib.add(6, 6), 12)
        # Its description and its result, confirmed.
        self.assertEqual(count[0], 3)

    def test_unsafe_calls_run_each_time_and_oneway_calls_run(self):
        before = self.gw.lib.count()
        self.gw.lib.count.oneway()
        self.assertEqual(self.gw.lib.count(), before + 2)

    def test_a_slow_answer_comes_separately(self):
        self.assertEqual(self.gw.lib.slowly(), "late")

    def test_threads_share_a_connection(self):
        results = {}
        threads = [
            threading.Thread(target=lambda n=n: results.update({n: self.gw.lib.echo(n)})) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, {n: n for n in range(20)})


class Faults(unittest.TestCase):
    def test_lost_messages_are_sent_again(self):
        funcoap._ACK_TIMEOUT = 0.2
        self.addCleanup(setattr, funcoap, "_ACK_TIMEOUT", 2.0)
        with funcoap.connect(LOSSY) as gw:
            before = gw.lib.count()
            text = "x" * 5000
            self.assertEqual(gw.lib.echo(text), text)
            # Sent again is not run again.
            self.assertEqual(gw.lib.count(), before + 1)

    def test_nobody_there(self):
        with self.assertRaises(funcoap.NoAnswer):
            funcoap.connect("coap://127.0.0.1:9")

    def test_a_call_ends_with_its_timeout(self):
        with funcoap.connect(URI, timeout=0.5) as gw:
            with self.assertRaises(funcoap.NoAnswer):
                gw.lib.slowly()

    def test_a_timeout_is_a_number_of_seconds(self):
        for timeout in [0, -1, None, "5", float("nan")]:
            with self.assertRaisesRegex(ValueError, "timeout is a number of seconds above 0"):
                funcoap.connect(URI, timeout=timeout)

    def test_only_plain_coap(self):
        for uri in ["coaps://127.0.0.1", "127.0.0.1", "coap://127.0.0.1/func/lib"]:
            with self.assertRaises(ValueError):
                funcoap.connect(uri)


if __name__ == "__main__":
    unittest.main()
