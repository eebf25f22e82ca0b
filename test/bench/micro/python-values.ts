/** What goes between the gateway and a Python process while it is measured: the same here and in Python (python-codec.py). */
import type { Value } from '../../../src/core/value.ts';

const row = (i: number): Value => ({
  id: i,
  name: `operating system ${i}`,
  version: `${i}.0`,
  year: 1990 + (i % 30),
  score: i * 0.37,
  free: i % 2 === 0,
});

/** What `bench.rows` returns. */
export const rows: Value = Array.from({ length: 1000 }, (_, i) => row(i));

/** Python's side of the values, and functions that return them. */
export const source = `
import datetime, time
from funcoap import safe

rows_of = lambda: [
    {'id': i, 'name': f'operating system {i}', 'version': f'{i}.0', 'year': 1990 + i % 30, 'score': i * 0.37, 'free': i % 2 == 0}
    for i in range(1000)]
_rows = rows_of()
_bytes = bytes(100_000)
_mixed = {
    'numbers': [1, -1, 2 ** 70, -2 ** 70, 0.5, -0.0, float('nan'), True, None], 'text': 'text' * 20, 'bytes': b'bytes' * 5,
    'when': datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc), 1: 'one', 'deep': [[[[[[[[{'a': (1, 2, 3)}]]]]]]]],
}
_values = {'a number': 3, '1,000 rows': _rows, '100 kB of bytes': _bytes, 'a mixed value': _mixed}

@safe
def add(a, b): return a + b
@safe
def rows(): return _rows
@safe
def data(): return _bytes
@safe
def mixed(): return _mixed
@safe
def take(value): return len(value)
@safe
def used(): return time.process_time()
`;
