"""Streams, jobs, objects and batches of the Python client (python-client.test.ts, which has the libraries)."""

import inspect
import os
import select
import socket
import threading
import time
import unittest

import funcoap

URI = os.environ["GATEWAY"]
LOSSY = os.environ["LOSSY_GATEWAY"]


class Relay:
    """In front of the gateway; `cut()` loses all that is connected, as a gateway that is not there does."""

    def __init__(self):
        host, port = URI[len("coap://") :].split(":")
        self.server, self.port = (host, int(port)), 0
        self.open()

    @property
    def uri(self):
        return f"coap://127.0.0.1:{self.port}"

    def open(self):
        self.outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outside.bind(("127.0.0.1", self.port))
        self.port = self.outside.getsockname()[1]
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.sent = []
        inside, clients = {}, {}
        while not self.ended:
            for ready in select.select([self.outside, *clients], [], [], 0.02)[0]:
                if ready is not self.outside:
                    self.outside.sendto(ready.recv(65536), clients[ready])
                    continue
                data, client = ready.recvfrom(65536)
                if client not in inside:
                    inside[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    inside[client].connect(self.server)
                    clients[inside[client]] = client
                self.sent.append(data)
                inside[client].send(data)
        for one in [self.outside, *clients]:
            one.close()

    def cut(self):
        self.ended = True
        self.thread.join()


class Case(unittest.TestCase):
    def setUp(self):
        self.gw = funcoap.connect(URI)
        self.addCleanup(self.gw.close)

    def patch(self, name, value):
        self.addCleanup(setattr, funcoap, name, getattr(funcoap, name))
        setattr(funcoap, name, value)

    def soon(self, holds):
        """What the gateway does by itself takes it a moment."""
        end = time.monotonic() + 10
        while not holds():
            self.assertLess(time.monotonic(), end, "it did not come to hold")
            time.sleep(0.02)


class Streams(Case):
    def test_its_items_one_after_the_other_to_the_end(self):
        self.assertEqual(list(self.gw.live.count(5)), [0, 1, 2, 3, 4])
        self.assertEqual(list(self.gw.live.count(0)), [])
        self.assertEqual(list(self.gw.live.count.starting_at(3)(5)), [3, 4])

    def test_leaving_the_loop_closes_the_function_at_the_gateway(self):
        closed = self.gw.live.counted()["closed"]
        for item in self.gw.live.count(1000):
            if item == 2:
                break
        self.soon(lambda: self.gw.live.counted()["closed"] == closed + 1)

    def test_the_function_is_not_ahead_of_the_loop(self):
        made = self.gw.live.counted()["made"]
        items = self.gw.live.count(1000)
        self.assertEqual([next(items), next(items)], [0, 1])
        time.sleep(0.2)
        self.assertEqual(self.gw.live.counted()["made"], made + 2)
        items.close()

    def test_calls_are_made_in_the_loop(self):
        self.assertEqual([self.gw.live.twice(n) for n in self.gw.live.count(3)], [0, 2, 4])

    def test_what_it_throws_is_thrown_behind_its_items(self):
        items = self.gw.live.fails()
        self.assertEqual(next(items), 1)
        with self.assertRaises(funcoap.RemoteError) as caught:
            next(items)
        self.assertEqual(caught.exception.thrown[:2], ("RangeError", "no more"))

    def test_arguments_are_checked_when_it_is_called(self):
        with self.assertRaises(TypeError):
            self.gw.live.count(1, 2, 3)

    def test_long_items_and_long_arguments_travel_in_blocks(self):
        text = "".join(chr(97 + i % 26) for i in range(5000))
        self.assertEqual(list(self.gw.live.repeated(text, 3)), [f"{n}{text}" for n in range(3)])
        self.assertEqual(list(self.gw.live.repeated_by(1000, 2)), ["0" + "long" * 1000, "1" + "long" * 1000])
        closed = self.gw.live.counted()["closed"]
        for _ in self.gw.live.repeated(text, 1000):
            break
        self.soon(lambda: self.gw.live.counted()["closed"] == closed + 1)

    def test_after_a_loss_it_goes_on_behind_the_last_item(self):
        self.patch("_PAUSE", 0.2)
        begun = self.gw.live.counted()["ticks"]
        relay = Relay()
        self.addCleanup(relay.cut)
        with funcoap.connect(relay.uri) as gw:
            got = []
            for item, _ in gw.live.ticks(8):
                got.append(item)
                if item in (2, 5):
                    relay.cut()
                    # It is back when it has been asked in vain.
                    threading.Timer(0.1, relay.open).start()
            self.assertEqual(got, [0, 1, 2, 3, 4, 5, 6, 7])
        self.assertEqual(self.gw.live.counted()["ticks"], begun + 1)

    def lose(self):
        """From now on the gateway does not know what is asked for."""
        words = funcoap._uri_options
        self.patch(
            "_uri_options",
            lambda path, query: words(path, ["_run=00000000" if word.startswith("_run=") else word for word in query]),
        )
        self.patch("_RENEW_AFTER", 0.2)

    def test_one_that_the_gateway_has_lost_is_an_error_and_its_function_is_not_run_again(self):
        ticks = self.gw.live.ticks(3, 1000)
        self.assertEqual(next(ticks)[0], 0)
        begun = self.gw.live.counted()["ticks"]
        self.lose()
        with self.assertRaises(funcoap.StreamLost) as caught:
            next(ticks)
        self.assertEqual((caught.exception.status, self.gw.live.counted()["ticks"]), ("4.12", begun))

    def test_one_that_the_gateway_has_lost_is_begun_anew_where_that_is_asked_for_or_nothing_was_given(self):
        with funcoap.connect(URI, replay=True) as gw:
            ticks = gw.live.ticks(3, 500)
            first, _ = next(ticks)
            self.lose()
            self.assertEqual([first, *(item for item, _ in ticks)], [0, 1, 2])
        self.assertEqual([item for item, _ in self.gw.live.ticks(1, 500, 500)], [0])

    def test_silence_is_found_out_where_nothing_listens_any_more(self):
        self.patch("_RENEW_AFTER", 0.1)
        self.patch("_PAUSE", 0.1)
        relay = Relay()
        with funcoap.connect(relay.uri) as gw:
            ticks = iter(gw.live.ticks(3, 600_000))
            next(ticks)
            threading.Timer(0.3, relay.cut).start()
            with self.assertRaisesRegex(funcoap.NoAnswer, "nothing listens there"):
                next(ticks)

    def test_a_loss_that_lasts_is_an_error(self):
        self.patch("_PAUSE", 0.1)
        relay = Relay()
        with funcoap.connect(relay.uri) as gw:
            items = gw.live.count(1000)
            next(items)
            relay.cut()
            with self.assertRaises(funcoap.NoAnswer):
                next(items)

    def test_after_silence_it_is_begun_again_and_the_function_is_not(self):
        self.patch("_RENEW_AFTER", 0.2)
        begun = self.gw.live.counted()["begun"]
        self.assertEqual(list(self.gw.live.slow(2)), [0, 1])
        self.assertEqual(self.gw.live.counted()["begun"], begun + 1)

    def begun_by_a_busy_loop(self, busy):
        """How often a loop over four items, each of which keeps it busy for so long, begins an observation."""
        begun, begin = [], funcoap._Observation.begin
        counted = lambda *args: begun.append(1) or begin(*args)
        self.addCleanup(setattr, funcoap._Observation, "begin", begin)
        funcoap._Observation.begin = counted
        got = []
        for item in self.gw.live.count(4):
            got.append(item)
            time.sleep(busy)
        self.assertEqual(got, [0, 1, 2, 3])
        return len(begun)

    def test_a_loop_that_takes_longer_than_the_silence_goes_on_with_its_observation(self):
        self.patch("_RENEW_AFTER", 1.0)
        self.assertEqual(self.begun_by_a_busy_loop(1.1), 1)

    def test_a_loop_for_which_the_gateway_may_not_wait_so_long_goes_on_too(self):
        self.patch("_RENEW_AFTER", 0.1)
        self.patch("_PATIENCE", 0.1)
        self.begun_by_a_busy_loop(0.2)

    def test_lost_messages_lose_no_items(self):
        self.patch("_ACK_TIMEOUT", 0.2)
        with funcoap.connect(LOSSY) as gw:
            self.assertEqual(list(gw.live.count(4)), [0, 1, 2, 3])


class Jobs(Case):
    def test_the_result_is_waited_for(self):
        job = self.gw.live.build.job(2025)
        self.assertEqual(job.result(), {"year": 2025})
        self.assertEqual(job.status(), "done")
        self.assertEqual(self.gw.job(job.uri).result(), {"year": 2025})
        self.assertIsNone(self.gw.live.nothing.job().result())

    def test_a_long_result_travels_in_blocks(self):
        sent, encode = [], funcoap._encode
        self.patch("_encode", lambda message: sent.append(dict(message.options)) or encode(message))
        job = self.gw.live.long.job()
        self.assertEqual(job.result(), "long" * 1000)
        # What has ended is one answer, and not observed block by block.
        self.assertEqual(self.gw.job(job.uri).result(), "long" * 1000)
        later = [options for options in sent if options.get(funcoap._BLOCK2, b"\x06") != b"\x06"]
        self.assertEqual((len(later), [o for o in later if funcoap._OBSERVE in o]), (6, []))

    def test_what_the_function_failed_with(self):
        job = self.gw.live.broken.job()
        with self.assertRaises(funcoap.RemoteError) as caught:
            job.result()
        self.assertEqual(caught.exception.thrown[:2], ("RangeError", "no such luck"))
        self.assertEqual(job.status(), "failed")

    def test_cancelled_it_is_gone(self):
        job = self.gw.live.forever.job()
        with self.assertRaisesRegex(funcoap.NoAnswer, "has not ended in 0.2 s"):
            job.result(timeout=0.2)
        self.assertIn(job.status(), ("queued", "running"))
        job.cancel()
        with self.assertRaises(funcoap.RemoteError) as caught:
            job.status()
        self.assertEqual(caught.exception.status, "4.04")

    def test_after_silence_it_is_asked_for_again(self):
        self.patch("_RENEW_AFTER", 0.2)
        self.assertEqual(self.gw.live.build.job(1, 700).result(), {"year": 1})

    def test_after_a_loss_it_is_asked_for_again(self):
        self.patch("_RENEW_AFTER", 0.2)
        relay = Relay()
        self.addCleanup(relay.cut)
        with funcoap.connect(relay.uri) as gw:
            job = gw.live.build.job(2, 1000)
            threading.Timer(0.1, relay.cut).start()
            threading.Timer(0.4, relay.open).start()
            self.assertEqual(job.result(), {"year": 2})

    def test_one_that_takes_long_is_asked_for_under_one_token(self):
        self.patch("_RENEW_AFTER", 0.1)
        relay = Relay()
        with funcoap.connect(relay.uri) as gw:
            job = gw.live.build.job(4, 700)
            relay.sent.clear()
            self.assertEqual(job.result(), {"year": 4})
        relay.cut()
        tokens = [data[4 : 4 + (data[0] & 15)] for data in relay.sent if data[1] == 1]
        self.assertGreater(len(tokens), 2)
        self.assertEqual(len(set(tokens)), 1)

    def test_what_is_no_uri_of_a_job_is_refused(self):
        for uri in ["/o/abc", "coap://elsewhere/j/abc", "/j/a/b"]:
            with self.assertRaises(ValueError):
                self.gw.job(uri)


class Objects(Case):
    def test_methods_and_attributes(self):
        with self.gw.bank.Account("Ada", 1) as account:
            self.assertEqual(account.deposit(5), 6)
            self.assertEqual(account.deposit(amount=1), 7)
            self.assertEqual(account.balance, 7)
            account.owner = "Eve"
            self.assertEqual(account.owner, "Eve")
            self.assertEqual(account.report(), "Eve: 7")
            self.assertEqual(str(inspect.signature(account.deposit)), "(amount)")
            self.assertEqual(account.deposit.__doc__, "Account.deposit(amount)\n\nPuts in.")
            self.assertIn("deposit", dir(account))
            self.assertEqual(self.gw.object(account._uri).balance, 7)
        with self.assertRaises(funcoap.RemoteError) as caught:
            account.deposit(1)
        self.assertEqual(caught.exception.status, "4.04")

    def test_one_that_is_gone_is_let_go_of_without_an_error(self):
        with self.gw.bank.Account("Ada") as account:
            account._release()

    def test_what_the_class_does_not_have_is_refused_here(self):
        account = self.gw.bank.Account("Ada")
        with self.assertRaisesRegex(AttributeError, "bank/Account has no deposti; did you mean deposit?"):
            account.deposti(1)
        with self.assertRaisesRegex(AttributeError, "it has .*balance"):
            account.zzz = 1
        with self.assertRaisesRegex(AttributeError, "cannot be set"):
            account.balance = 1
        with self.assertRaisesRegex(AttributeError, "is a method"):
            account.deposit = 1
        with self.assertRaisesRegex(AttributeError, "bank/Account.pin can only be set"):
            account.pin
        with self.assertRaises(TypeError):
            account.deposit(1, 2)
        with self.assertRaises(TypeError):
            self.gw.bank.Account()
        account._release()

    def test_methods_that_are_streams(self):
        with self.gw.bank.Account("Ada") as account:
            self.assertEqual(list(account.history(3)), ["Ada0", "Ada1", "Ada2"])
            self.assertEqual(list(account.history.starting_at(1)(entries=3)), ["Ada1", "Ada2"])

    def test_as_results_and_as_arguments(self):
        ada, eve = self.gw.bank.Account("Ada", 10), self.gw.bank.Account("Eve")
        self.assertEqual(self.gw.bank.transfer(ada, to=eve, amount=4), 6)
        self.assertEqual((ada.balance, eve.balance), (6, 4))
        self.assertEqual(self.gw.bank.transfer(from_=ada, to=eve, amount=0), 6)
        richest = self.gw.bank.richest([ada, eve])
        self.assertEqual(richest["rows"][0], ada)
        self.assertEqual(richest["rows"][0].owner, "Ada")
        self.assertNotEqual(ada, eve)
        self.assertEqual(len({ada, richest["rows"][0]}), 1)
        eve.heir = ada
        self.assertEqual(eve.heir, ada)

    def test_an_object_of_another_gateway_is_no_argument(self):
        ada = self.gw.bank.Account("Ada", 10)
        with funcoap.connect(LOSSY) as other:
            with self.assertRaises(ValueError):
                other.bank.transfer(ada, ada, 1)


class Batches(Case):
    def test_a_later_call_uses_what_an_earlier_one_gave(self):
        batch = self.gw.batch()
        user = batch.users.find("Ada")
        orders = batch.users.orders(user["id"], limit=1)
        self.assertEqual(batch.run(user["name"], orders[0]["order"]), ["Ada", "7-1"])

    def test_only_what_is_wanted_comes_back_or_all(self):
        batch = self.gw.batch()
        batch.live.twice(1)
        last = batch.live.twice(2)
        self.assertEqual(batch.run(), [2, 4])
        self.assertEqual(batch.run(last), [4])
        self.assertEqual(batch.run(last, last), [4, 4])
        self.assertEqual(self.gw.batch().run(), [])

    def test_the_first_that_fails_ends_it(self):
        batch = self.gw.batch()
        batch.live.twice(4)
        batch.live.broken()
        with self.assertRaises(funcoap.RemoteError) as caught:
            batch.run()
        self.assertEqual((caught.exception.batch, caught.exception.target), ((1, [8]), "live/broken"))

    def test_objects_are_made_and_used_in_it(self):
        batch = self.gw.batch()
        ada = batch.bank.Account("Ada", 10)
        left = batch.bank.transfer(ada, self.gw.bank.Account("Eve"), 3)
        account, rest = batch.run(ada, left)
        self.assertEqual((account.balance, rest), (7, 7))

    def test_methods_are_called_and_attributes_read_of_objects_that_are_there(self):
        with self.gw.bank.Account("Ada", 10) as ada:
            batch = self.gw.batch()
            for one in (batch.object(ada), batch.object(ada._uri), batch.object(f"/o/{ada._id}")):
                one.deposit(batch.live.twice(1))
                one.deposit(amount=1)
                one.balance
            self.assertEqual(batch.run(), [2, 12, 13, 13, 2, 15, 16, 16, 2, 18, 19, 19])
            safe = self.gw.batch()
            self.assertEqual(safe.run(safe.object(ada).report(), safe.object(ada).heir), ["Ada: 19", None])

    def test_an_object_that_is_gone_ends_it_before_anything_runs(self):
        ada, eve = self.gw.bank.Account("Ada"), self.gw.bank.Account("Eve")
        batch = self.gw.batch()
        batch.object(eve).deposit(1)
        batch.object(ada).deposit(1)
        ada._release()
        with self.assertRaises(funcoap.RemoteError) as caught:
            batch.run()
        self.assertEqual((caught.exception.status, caught.exception.target), ("4.04", "bank/Account.deposit"))
        self.assertEqual((caught.exception.batch[0], eve.balance), (1, 0))

    def test_of_one_that_fails_the_objects_that_were_made_are_objects(self):
        eve = self.gw.bank.Account("Eve")
        batch = self.gw.batch()
        ada = batch.bank.Account("Ada", 3)
        failed = batch.object(eve).fail()
        with self.assertRaises(funcoap.RemoteError) as caught:
            batch.run(ada, failed)
        index, (made,) = caught.exception.batch
        self.assertEqual((index, made.balance), (1, 3))

    def test_what_of_objects_cannot_be_in_it(self):
        eve = self.gw.bank.Account("Eve")
        batch = self.gw.batch()
        made = batch.bank.Account("Ada")
        with self.assertRaisesRegex(AttributeError, "not there yet, and has no deposit: .* make it first"):
            made.deposit(5)
        with self.assertRaisesRegex(TypeError, "bank/Account gives an object, of which 'owner' cannot be read"):
            batch.run(made["owner"])
        with self.assertRaisesRegex(TypeError, "bank/Account.history is a stream"):
            batch.object(eve).history(3)
        with self.assertRaisesRegex(AttributeError, "bank/Account has no deposti; did you mean deposit?"):
            batch.object(eve).deposti(3)
        with self.assertRaisesRegex(AttributeError, "can only be set"):
            batch.object(eve).pin
        with self.assertRaisesRegex(AttributeError, "a batch sets no attributes"):
            batch.object(eve).owner = "Ada"
        with self.assertRaises(ValueError):
            batch.object("coap://elsewhere/o/abcdefgh")
        with funcoap.connect(LOSSY) as other:
            with self.assertRaises(ValueError):
                other.batch().object(eve)
        batch.object(eve).deposit(1, 2)
        with self.assertRaisesRegex(TypeError, "bank/Account.deposit: too many"):
            batch.run()

    def test_what_cannot_be_in_it(self):
        batch = self.gw.batch()
        batch.live.count(3)
        with self.assertRaisesRegex(TypeError, "stream"):
            batch.run()
        one, other = self.gw.batch(), self.gw.batch()
        with self.assertRaisesRegex(ValueError, "another batch"):
            one.run(other.live.twice(1))
        one.live.total([one.live.twice(1)])
        with self.assertRaisesRegex(TypeError, "whole argument"):
            one.run()
        for _ in range(14):
            one.live.twice(1)
        with self.assertRaisesRegex(ValueError, "16 calls"):
            one.live.twice(1)


if __name__ == "__main__":
    unittest.main()
