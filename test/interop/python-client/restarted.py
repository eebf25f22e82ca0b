"""The Python client and a gateway that is killed (SIGKILL) and started again at the same port (python-client.test.ts)."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import funcoap

LIBRARY = """
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const mark = (letter: string) => appendFileSync('marks', letter);
/** @safe */
export async function* ticks(every: number): AsyncGenerator<number> {
  mark('t');
  for (let n = 0; ; n++) { yield n; await sleep(every); }
}
/** @safe */
export async function gated(): Promise<string> {
  mark('g');
  while (!existsSync('gate')) await sleep(10);
  return 'the result';
}
export async function act(): Promise<void> { mark('a'); await sleep(600_000); }
export function pid(): number { return process.pid; }
export class Account { owner: string; constructor(owner: string) { this.owner = owner; } }
"""


class Site:
    """One gateway after the other at the same place."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.port = 0
        os.makedirs(self.path("libraries/lib"))
        with open(self.path("libraries/lib/index.ts"), "w") as file:
            file.write(LIBRARY)
        self.start()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    @property
    def uri(self):
        return f"coap://127.0.0.1:{self.port}"

    def marks(self):
        try:
            with open(self.path("marks")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self):
        own = ["--port", str(self.port), "--set", "http.listen=", "--set", "coaps.listen="]
        command = [os.environ["NODE"], os.environ["FUNCOAP"], "serve", "--json", "--libraries", "libraries", *own]
        self.process = subprocess.Popen(
            command, cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        uri = json.loads(self.process.stdout.readline())["addresses"][0]
        self.port = int(uri.rsplit(":", 1)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        self.kill()
        self.start()

    def close(self):
        self.kill()
        self.folder.cleanup()


class Restarted(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)
        for name, value in {"_RENEW_AFTER": 0.5, "_PING_AFTER": 0.5, "_PAUSE": 0.1}.items():
            self.addCleanup(setattr, funcoap, name, getattr(funcoap, name))
            setattr(funcoap, name, value)

    def connect(self, **how):
        gw = funcoap.connect(self.site.uri, **how)
        self.addCleanup(gw.close)
        return gw

    def began(self, letters):
        end = time.monotonic() + 20
        while self.site.marks() != letters:
            self.assertLess(time.monotonic(), end, self.site.marks())
            time.sleep(0.02)

    def later(self, wait, act):
        """While the main thread waits for something."""
        timer = threading.Timer(wait, act)
        timer.start()
        self.addCleanup(timer.join)

    def test_a_stream_in_which_nothing_comes_is_lost_which_is_said_and_its_function_is_not_run_again(self):
        ticks = self.connect().lib.ticks(600_000)
        self.assertEqual(next(ticks), 0)
        self.site.restart()
        with self.assertRaises(funcoap.StreamLost):
            next(ticks)
        self.assertEqual(self.site.marks(), "t")

    def test_in_the_middle_of_a_stream_its_items_come_before_the_error_and_with_replay_all_of_them_come(self):
        lost, replayed = [], []
        gw = self.connect(retries=5)
        with self.assertRaises(funcoap.StreamLost):
            for item in gw.lib.ticks(5):
                lost.append(item)
                if item == 10:
                    self.site.restart()
        self.assertEqual(lost, list(range(len(lost))))
        for item in self.connect(retries=5, replay=True).lib.ticks(5):
            replayed.append(item)
            if item == 10:
                self.site.restart()
            if item == 30:
                break
        self.assertEqual(replayed, list(range(31)))
        self.assertEqual(self.site.marks(), "ttt")

    def test_where_it_is_not_started_again_loops_and_calls_say_that_nothing_listens_there(self):
        gw = self.connect()
        ticks = gw.lib.ticks(600_000)
        next(ticks)
        self.later(0.2, self.site.kill)
        with self.assertRaisesRegex(funcoap.NoAnswer, "nothing listens there"):
            next(ticks)
        self.site.start()
        gw.lib.pid()
        # It has been acknowledged by then: after 1.5 s.
        self.later(3.0, self.site.kill)
        started = time.monotonic()
        with self.assertRaisesRegex(funcoap.NoAnswer, "nothing listens there"):
            gw.lib.act()
        self.assertLess(time.monotonic() - started, 30)
        self.site.start()

    def test_the_next_call_is_answered_by_the_new_one_whatever_went_wrong_before(self):
        gw = self.connect()
        before = gw.lib.pid()
        self.site.kill()
        gw.lib.pid.oneway()
        self.site.start()
        self.assertNotEqual(gw.lib.pid(), before)

    def test_a_job_is_waited_for_over_a_restart_that_takes_a_while(self):
        job = self.connect().lib.gated.job()
        self.began("g")
        # Later than the pauses of a few tries, and with time to run in.
        self.later(0.2, self.site.kill)
        self.later(1.5, self.site.start)
        self.later(3.0, lambda: open(self.site.path("gate"), "w").close())
        self.assertEqual(job.result(), "the result")
        self.assertEqual(self.site.marks(), "gg")

    def test_a_job_that_may_have_had_effects_is_not_run_again(self):
        job = self.connect().lib.act.job()
        self.began("a")
        self.later(0.2, self.site.restart)
        with self.assertRaises(funcoap.RemoteError) as caught:
            job.result()
        self.assertEqual((caught.exception.number, self.site.marks()), (45, "a"))

    def test_an_object_ends_with_its_gateway(self):
        account = self.connect().lib.Account("Ada")
        self.site.restart()
        with self.assertRaises(funcoap.RemoteError) as caught:
            account.owner
        self.assertEqual(caught.exception.status, "4.04")


if __name__ == "__main__":
    unittest.main()
