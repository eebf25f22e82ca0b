/** What functions may do to their process, and what it costs: their own call, never the gateway, rarely their neighbours. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { channels, type LibraryPrinted } from '../../../src/core/channels.ts';
import { milliseconds, seconds } from '../../../src/core/duration.ts';
import { codecs } from '../pages/python.ts';
import { missingPython, pythonFolder, type PythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const library = `
import builtins, ctypes, os, signal, subprocess, sys, threading, time
from funcoap import safe, time_limit

state = 0

@safe
def count():
    global state
    state += 1
    return [os.getpid(), state]

# ends
def sys_exit(): sys.exit(3)
def os_exit(): os._exit(3)
def killed(): os.kill(os.getpid(), signal.SIGSEGV)
def interrupt(): raise KeyboardInterrupt
def base(): raise BaseException('base')
def generator_exit(): raise GeneratorExit
async def async_exit(): sys.exit(3)
def close_all(): os.closerange(0, 4096)

# never returns
@time_limit(0.3)
def loop():
    while True: pass
@time_limit(0.3)
def c_loop(): return sum(range(10 ** 12))
@time_limit(0.3)
def sleeps(): time.sleep(3600)
@time_limit(0.3)
def swallows():
    while True:
        try: time.sleep(3600)
        except BaseException: pass
@time_limit(0.3)
def endless():
    # So slowly that what ends it is its time, and not how many there are.
    while True:
        sum(range(1000))
        yield 'x' * 10
@time_limit(0.3)
async def waits():
    import asyncio
    await asyncio.sleep(3600)
@safe
async def listens():
    import asyncio
    try: await asyncio.sleep(3600)
    finally: os.write(2, b'cleaned up')

# input and output
def reads(): return input()
def reads_fd(): return os.read(0, 100)
def closes_stdin():
    sys.stdin.close()
    os.close(0)
    return 'closed'
def prints(n: int):
    for _ in range(n): print('y' * 1000)
def writes_fd(n: int):
    for _ in range(n): os.write(1, b'z' * 65536)
    return 'written'
def no_stdout():
    sys.stdout = None
    sys.stderr = None
    return 'none'
def writes_everywhere():
    for fd in range(3, 200):
        try: os.write(fd, b'nonsense' * 100)
        except OSError: pass

# children
def forks():
    pid = os.fork()
    if pid: os.waitpid(pid, 0)
    return [os.getpid() == pid, pid > 0]
def leaves_a_child():
    return subprocess.Popen(['sleep', '3600']).pid
def runs(): return subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout
def threads():
    done = []
    for _ in range(20): threading.Thread(target=lambda: done.append(1)).start()
    time.sleep(0.1)
    return len(done)

# values
def recursion(): return recursion()
def deep():
    a = []
    for _ in range(100000): a = [a]
    return a
def cyclic():
    a = []
    a.append(a)
    return a
def self_dict():
    a = {}
    a['a'] = {'b': a}
    return a
def plain_object(): return object()
def lock(): return {'lock': threading.Lock()}
class _Lying:
    def __str__(self): raise RuntimeError('no text')
def lying(): return _Lying()
class LyingList(list):
    """Says that it has five items."""
    def __len__(self): return 5
def lying_list(): return LyingList([1])
class LyingError(Exception):
    def __str__(self): raise RuntimeError('no text')
    def __getattr__(self, name): raise RuntimeError(name)
def lying_error(): raise LyingError()
def same_keys():
    import enum
    class E(enum.Enum): A = 1
    return {E.A: 'a', 1: 'b'}
def large_integer(): return 1 << 1000000
def many(): return (i for i in iter(int, 1))
def huge(): return ['x' * 1000000] * 100
def memory(): return len(bytearray(10 ** 10))
def memory_slowly():
    kept = []
    while True: kept.append(bytearray(1000000))

# Python itself
def monkeypatch():
    for name in ('len', 'print', 'isinstance', 'type', 'getattr', 'list', 'str', 'bytes', 'int', 'min', 'hasattr', 'callable', 'bytearray', 'memoryview', 'BaseException', 'any', 'sorted'):
        setattr(builtins, name, None)
    os.read = os.write = os._exit = os.getpid = time.time = None
    return 'patched'
def crash(): ctypes.string_at(0)
`;

const hostile = (python = 'python3'): Promise<PythonFolder> =>
  pythonFolder(
    {
      'bad/bad.py': library,
      'good/good.py': 'state = 0\ndef count():\n    global state\n    state += 1\n    return state\n',
    },
    {},
    { python },
  );

/** The process is as it was: the call cost nobody anything. */
async function keepsItsProcess(folder: PythonFolder, work: () => Promise<void>): Promise<void> {
  const [pid, before] = (await folder.say('bad/count')) as [number, number];
  await work();
  expect(await folder.say('bad/count')).toEqual([pid, before + 1]);
}

describe('an end that a function asks for', () => {
  test('is an error of its call alone, whatever is raised', async () => {
    const folder = await hostile();
    const raised = [
      ['sys_exit', 'SystemExit'],
      ['interrupt', 'KeyboardInterrupt'],
      ['base', 'BaseException'],
      ['generator_exit', 'GeneratorExit'],
      ['async_exit', 'SystemExit'],
      ['recursion', 'RecursionError'],
      ['lying_error', 'LyingError'],
      ['reads', 'EOFError'],
    ];
    await keepsItsProcess(folder, async () => {
      for (const [method, name] of raised)
        expect(await folder.failure(`bad/${method}`)).toMatchObject({
          code: 'function-failed',
          details: { remote: { name } },
        });
    });
  });

  test('ends the process where it does, which is told and replaced', async () => {
    const folder = await hostile();
    await folder.say('good/count');
    for (const [method, how] of [
      ['os_exit', 'with exit code 3'],
      ['killed', 'by SIGSEGV'],
      ['crash', 'by SIGSEGV'],
      ['close_all', 'with exit code 70'],
    ]) {
      const [pid] = (await folder.say('bad/count')) as [number];
      expect(await folder.failure(`bad/${method}`)).toMatchObject({
        code: 'worker-lost',
        message: `bad/${method} ran in a Python process that ended ${how}.`,
      });
      const [next, count] = (await folder.say('bad/count')) as [number, number];
      expect([next === pid, count]).toEqual([false, 1]);
    }
    expect(await folder.say('good/count')).toBe(2);
  });

  test('fails only the call that did it: those behind it run in the next process', async () => {
    const folder = await hostile();
    const ends = folder.failure('bad/os_exit');
    const others = await Promise.all(Array.from({ length: 20 }, () => folder.say('bad/count')));
    expect(await ends).toMatchObject({ code: 'worker-lost' });
    expect(others.map((each) => (each as number[])[1])).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });
});

test('calls with side effects run once each, whatever becomes of the process that they wait for', async () => {
  const folder = await pythonFolder({
    'lib/lib.py': `
import os, time
from funcoap import safe
def mark(i):
    with open('marks', 'a') as marks: marks.write(f'{i} ')
    return i
def end(): os._exit(1)
@safe
def quick(i): return i
@safe
def slow():
    time.sleep(0.05)
    return 'slow'
`,
    'lib/data/.keep': '',
  });
  await folder.say('lib/quick', [0]);
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 60; i++) {
    calls.push(folder.say('lib/quick', [i]), folder.say('lib/mark', [i]));
    if (i % 20 === 10)
      calls.push(
        folder.failure('lib/end').then(({ code }) => code),
        folder.say('lib/slow'),
      );
  }
  const ends = (await Promise.all(calls)).filter((result) => typeof result === 'string' && result !== 'slow');
  expect(ends).toEqual(['worker-lost', 'worker-lost', 'worker-lost']);
  const marks = readFileSync(join(folder.path, 'lib/data/marks'), 'utf8').trim().split(' ').map(Number);
  expect(marks.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
});

describe('a function that never returns', () => {
  test('is stopped at its limit, with its process', async () => {
    const folder = await hostile();
    for (const method of ['loop', 'c_loop', 'sleeps', 'swallows', 'endless']) {
      const [pid] = (await folder.say('bad/count')) as [number];
      expect([method, (await folder.failure(`bad/${method}`)).code]).toEqual([method, 'time-limit']);
      const [next] = (await folder.say('bad/count')) as [number];
      expect(next).not.toBe(pid);
      expect(isGone(pid)).toBe(true);
    }
  });

  test('a coroutine that waits is cancelled, and its process goes on', async () => {
    const folder = await hostile();
    await keepsItsProcess(folder, async () => {
      expect(await folder.failure('bad/waits')).toMatchObject({ code: 'time-limit' });
    });
  });

  test('a coroutine that nobody waits for any more is cancelled and may tidy up', async () => {
    const printed: LibraryPrinted[] = [];
    const listen = (event: LibraryPrinted): unknown => printed.push(event);
    channels.libraryPrinted.subscribe(listen as never);
    const folder = await hostile();
    await folder.say('bad/count');
    const giveUp = new AbortController();
    const call = folder.problem('bad', 'listens', [], { signal: giveUp.signal });
    await folder.say('bad/count');
    giveUp.abort();
    expect(await call).toBe('cancelled');
    await expect.poll(() => printed.map(({ text }) => text)).toContain('cleaned up');
    channels.libraryPrinted.unsubscribe(listen as never);
  });
});

describe('input and output', () => {
  test('there is no input, and closing it changes nothing', async () => {
    const folder = await hostile();
    await keepsItsProcess(folder, async () => {
      expect(await folder.say('bad/reads_fd')).toEqual(new Uint8Array());
      expect(await folder.say('bad/closes_stdin')).toBe('closed');
      expect(await folder.say('bad/no_stdout')).toBe('none');
    });
  });

  test('what is printed stands in the log, bounded, before the call is over', async () => {
    const printed: LibraryPrinted[] = [];
    const listen = (event: LibraryPrinted): unknown => printed.push(event);
    channels.libraryPrinted.subscribe(listen as never);
    const folder = await pythonFolder({
      'lib/lib.py': "import sys\ndef f():\n    print('hällo', end='')\n    print('wörld', file=sys.stderr)\n",
    });
    await folder.say('lib/f');
    const text = (stream: string): string =>
      printed
        .filter((each) => each.stream === stream && each.library === 'lib')
        .map((each) => each.text)
        .join('');
    await expect.poll(() => [text('stdout'), text('stderr')]).toEqual(['hällo', 'wörld\n']);
    channels.libraryPrinted.unsubscribe(listen as never);
  });

  test('printing gigabytes is slow for who prints, and for nobody else', async () => {
    const folder = await pythonFolder(
      {
        'bad/bad.py': library,
        'good/good.py': 'def f(): return 1\n',
      },
      { timeLimit: milliseconds(1500) },
    );
    const characters: number[] = [];
    const listen = (event: LibraryPrinted): unknown => characters.push(event.text.length);
    channels.libraryPrinted.subscribe(listen as never);
    const endings = folder.failure('bad/prints', [10_000_000]);
    for (let i = 0; i < 20; i++) expect(await folder.say('good/f')).toBe(1);
    expect(await endings).toMatchObject({ code: 'time-limit' });
    expect((await folder.failure('bad/writes_fd', [100_000])).code).toBe('time-limit');
    channels.libraryPrinted.unsubscribe(listen as never);
    expect(characters.reduce((sum, length) => sum + length, 0)).toBeLessThan(20 * 65_600);
  });

  test('nonsense written to whatever is open ends that process alone', async () => {
    const folder = await hostile();
    expect(await folder.failure('bad/writes_everywhere')).toMatchObject({
      code: expect.stringMatching(/worker-lost|function-failed/),
    });
    expect(((await folder.say('bad/count')) as number[])[1]).toBe(1);
  });
});

describe('children', () => {
  test('a copy made by fork does not answer in place of its parent', async () => {
    const folder = await hostile();
    await keepsItsProcess(folder, async () => {
      expect(await folder.say('bad/forks')).toEqual([false, true]);
      expect(await folder.say('bad/runs')).toBe('hi\n');
      expect(await folder.say('bad/threads')).toBe(20);
    });
  });

  test('what a library has started ends with it', async () => {
    const folder = await hostile();
    const pid = (await folder.say('bad/leaves_a_child')) as number;
    process.kill(pid, 0);
    folder.remove('bad');
    await expect.poll(() => isGone(pid), { timeout: 15_000 }).toBe(true);
  });
});

test('a module that does not come to its end is stopped, whatever it does instead', async () => {
  const folder = await pythonFolder(
    {
      'waits/waits.py': 'import time\ntime.sleep(3600)\n',
      'prints/prints.py': "while True: print('x' * 100000)\n",
      'joins/joins.py':
        'import threading, time\nthread = threading.Thread(target=time.sleep, args=(3600,))\nthread.start()\nthread.join()\n',
    },
    { loadLimit: milliseconds(1500), loadPatience: milliseconds(0) },
  );
  for (const name of ['waits', 'prints', 'joins'])
    expect((await folder.failure(`${name}/f`)).message).toContain('loading did not finish within 1500 ms');
});

describe('what goes on beside calls', () => {
  test('processes that multiprocessing spawns run the library, and serve nobody', async () => {
    const folder = await pythonFolder({
      'pool/pool.py': `
import multiprocessing, os
from funcoap import safe
def work(n): return 2 * n
@safe
def count(): return os.getpid()
def spread():
    with multiprocessing.get_context('spawn').Pool(2) as pool: return pool.map(work, [1, 2, 3])
`,
    });
    const pid = await folder.say('pool/count');
    expect(await folder.say('pool/spread')).toEqual([2, 4, 6]);
    expect(await folder.say('pool/count')).toBe(pid);
  });

  test('threads wait beside calls, as many as a program has', async () => {
    const folder = await pythonFolder({
      'pool/pool.py': `
import concurrent.futures, threading
kept = concurrent.futures.ThreadPoolExecutor(64)
def wide():
    gate = threading.Barrier(64)
    return sum(kept.map(lambda n: gate.wait() * 0 + n, range(64)))
`,
    });
    expect(await folder.say('pool/wide')).toBe(2016);
    expect(await folder.say('pool/wide')).toBe(2016);
  });

  test('a plain function may run the event loop itself, whatever the gateway says meanwhile', async () => {
    const source = `
import asyncio
from funcoap import safe
@safe
def quick(n): return n
@safe
async def later(n): return await asyncio.sleep(0, n)
@safe
async def waits(): await asyncio.sleep(3600)
@safe
def own(): return asyncio.get_event_loop().run_until_complete(asyncio.sleep(0.2, 'own'))
def closes(): asyncio.get_event_loop().close()
`;
    const folder = await pythonFolder({ 'loops/loops.py': source }, { grace: seconds(20) });
    for (let round = 0; round < 3; round++) {
      const giveUp = new AbortController();
      const waits = folder.problem('loops', 'waits', [], { signal: giveUp.signal });
      expect(await folder.say('loops/quick', [round])).toBe(round);
      const own = folder.say('loops/own');
      // While the loop turns there.
      await sleep(50);
      giveUp.abort();
      expect(await own).toBe('own');
      expect(await waits).toBe('cancelled');
      expect(await folder.say('loops/later', [round])).toBe(round);
    }
    await folder.say('loops/closes');
    expect(await folder.say('loops/later', [5])).toBe(5);
  });

  test('tasks that a call has left over run on between calls', async () => {
    const folder = await pythonFolder({
      'tasks/tasks.py': `
import asyncio
done = []
kept = set()
async def _work():
    await asyncio.sleep(0.05)
    done.append(1)
async def start(): kept.add(asyncio.get_running_loop().create_task(_work()))
def count(): return len(done)
`,
    });
    await folder.say('tasks/start');
    await expect.poll(() => folder.say('tasks/count')).toBe(1);
  });

  test('a signal that comes between calls and raises ends the process, threads or not, which is replaced', async () => {
    const folder = await pythonFolder({
      'signals/signals.py': `
import os, signal, threading, time
def pid(): return os.getpid()
def _raise(*_): raise TimeoutError('late')
def leaves_an_alarm():
    threading.Thread(target=time.sleep, args=(3600,)).start()
    signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
`,
    });
    const pid = (await folder.say('signals/pid')) as number;
    await folder.say('signals/leaves_an_alarm');
    await expect.poll(() => isGone(pid), { timeout: 15_000 }).toBe(true);
    // What was sent to it meanwhile is lost with it.
    await expect.poll(() => folder.say('signals/pid').catch(() => pid), { timeout: 15_000 }).not.toBe(pid);
  });

  test('what a handler of signals says in the middle of a result stands behind it', async () => {
    const folder = await pythonFolder({
      'signals/signals.py': `
import os, signal
from funcoap import invalidate
def pid(): return os.getpid()
def large():
    signal.signal(signal.SIGALRM, lambda *_: invalidate(tag='t'))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    return bytes(15_000_000)
`,
    });
    const pid = await folder.say('signals/pid');
    for (let i = 0; i < 5; i++) expect(((await folder.say('signals/large')) as Uint8Array).length).toBe(15_000_000);
    expect(await folder.say('signals/pid')).toBe(pid);
  });
});

function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

describe.each(codecs)('values, %s,', (_, python) => {
  test('that have no form are told, and cost their call alone', async () => {
    const folder = await hostile(python);
    const told = [
      ['cyclic', 'The result contains itself; return a copy without the cycle.'],
      ['self_dict', 'The result contains itself; return a copy without the cycle.'],
      ['deep', 'The result is nested deeper than 128 levels; return flatter data.'],
      ['plain_object', 'A object cannot be carried; return plain data or a dataclass, or give it a __str__.'],
      ['lying_list', 'A LyingList changed while it was read; return a copy.'],
      ['huge', 'The result takes more than 16777216 bytes; return it in pieces.'],
      ['large_integer', 'An integer takes more than 65536 bytes; return it as text.'],
      ['many', 'The result has more than 1000000 items; return it in pieces.'],
    ];
    await keepsItsProcess(folder, async () => {
      for (const [method, sentence] of told)
        expect(await folder.failure(`bad/${method}`)).toMatchObject({ code: 'unencodable-result', message: sentence });
    });
  });

  test('what cannot say what it is, keys that are the same, and what has only a description', async () => {
    const folder = await hostile(python);
    await keepsItsProcess(folder, async () => {
      expect(await folder.failure('bad/lying')).toMatchObject({ code: 'function-failed' });
      expect(await folder.failure('bad/same_keys')).toMatchObject({ code: 'unencodable-result' });
      expect(await folder.say('bad/lock')).toMatchObject({ lock: expect.stringContaining('lock') });
    });
  });

  test('that take too much memory end at the limit, and their process goes on', async () => {
    const folder = await hostile(python);
    await keepsItsProcess(folder, async () => {
      for (const method of ['memory', 'memory_slowly'])
        expect(await folder.failure(`bad/${method}`)).toMatchObject({ code: 'memory-limit' });
    });
  });

  test('changing builtins and os changes them for the library, and not for its calls', async () => {
    const folder = await hostile(python);
    expect(await folder.say('bad/monkeypatch')).toBe('patched');
    expect(await folder.failure('bad/sys_exit')).toMatchObject({ code: 'function-failed' });
    expect(await folder.say('bad/closes_stdin')).toBe('closed');
    expect(await folder.say('good/count')).toBe(1);
  });
});

test('a process does not outlive a gateway that is killed, whatever it computes', async () => {
  const folder = await hostile();
  const source = `
    import { Registry } from ${JSON.stringify(new URL('../../../src/functions/registry.ts', import.meta.url).href)};
    import { systemScheduler } from ${JSON.stringify(new URL('../../../src/transport/scheduler.ts', import.meta.url).href)};
    const registry = await Registry.open({ folder: ${JSON.stringify(folder.path)}, scheduler: systemScheduler });
    const call = (method) => registry.invoke({ function: registry.find('bad', method), args: [], caller: { identity: 'local', peer: '' }, correlationId: '', deadline: performance.now() + 60000 });
    const { value } = await call('count');
    void call('c_loop').catch(() => undefined);
    setTimeout(() => { process.stdout.write(String(value[0])); process.kill(process.pid, 'SIGKILL'); }, 100);
  `;
  let printed = '';
  try {
    execFileSync(process.execPath, ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', source], {
      encoding: 'utf8',
    });
  } catch (error) {
    printed = (error as { stdout: string }).stdout;
  }
  const pid = Number(printed);
  expect(pid).toBeGreaterThan(1);
  await expect.poll(() => isGone(pid)).toBe(true);
});
