"""codec.py beside cbor.py, with the real cbor2 (codec.test.ts): whichever writes or reads, it is the same value."""

import collections
import datetime
import decimal
import enum
import os
import random
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, os.environ['HOST'])
from funcoap_host import cbor  # noqa: E402
from funcoap_host.codec import Codec, CompiledCodec, codec_for, compiled_cbor2  # noqa: E402

UTC = datetime.timezone.utc


class IntEnum(enum.IntEnum):
    ONE = 1


class Text(str):
    pass


class Longer(list):
    def __len__(self):
        return 5


Pair = collections.namedtuple('Pair', 'a b')

#: What cbor2 has no form for, or another one.
OTHERS = [
    {2, 1}, frozenset({'b', 'a'}), {frozenset({'b'}), frozenset({'a'}), frozenset()}, {float('nan'), 1.0},
    decimal.Decimal('1.50'), uuid.UUID(int=1), datetime.date(2026, 1, 31), datetime.time(1), datetime.timedelta(1),
    datetime.datetime(2026, 1, 31), IntEnum.ONE, Text('text'), Pair(1, 2), collections.OrderedDict(a=1),
    collections.Counter('aab'), collections.defaultdict(int, a=1), memoryview(b'c'), bytearray(b'b'), range(3), {(1, 2): 3}, {1: 'a', None: 2, 1.5: b''}, {'a': 1, True: 2},
    '\ud800x', '\ud83d\ude00',
]
PLAIN = [
    None, True, 0, 23, 24, -1, 2**53, 2**63, 2**64 - 1, 2**64, -(2**64), -(2**64) - 1, 1 << 300, -0.0, 0.1, 1e-320, float('nan'),
    float('inf'), -float('inf'), '', 'text', 'ä\U0001f600', 'x' * 70_000, b'', b'bytes', (1, (2,)), {}, [], {'a': {'b': None}},
    datetime.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC), datetime.datetime(1, 1, 1, tzinfo=UTC),
    datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]


def any_value(r, depth, leaves):
    kind = r.randrange(4 if depth else 2)
    if kind < 2:
        return r.choice(leaves)
    if kind == 2:
        return [any_value(r, depth - 1, leaves) for _ in range(r.randrange(6))]
    return {f'k{r.randrange(100)}': any_value(r, depth - 1, leaves) for _ in range(r.randrange(6))}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


class Compiled(unittest.TestCase):
    def setUp(self):
        self.codec = codec_for('lib', tempfile.gettempdir())
        self.assertIsInstance(self.codec, CompiledCodec)
        self.used, dumps = 0, self.codec._dumps

        def counted(*args, **kwargs):
            self.used += 1
            return dumps(*args, **kwargs)

        self.codec._dumps = counted

    def assert_same(self, value):
        own, compiled = cbor.encode(value), self.codec.encode(value)
        if own != compiled:
            # A float may be shorter, and a date a whole number.
            self.assertEqual(repr(cbor.decode(compiled)), repr(cbor.decode(own)))

    def test_what_is_plain_is_written_by_it_and_means_the_same(self):
        for value in PLAIN:
            before = self.used
            self.assert_same([value])
            self.assert_same({'a': ({'b': value},)})
            self.assertEqual(self.used, before + 2, value)

    def test_all_else_is_not(self):
        for value in OTHERS:
            for inside in (value, [value], [[{'a': [1, value]}]]):
                self.assertEqual(self.codec.encode(inside), cbor.encode(inside))

    def test_any_mixture_means_the_same(self):
        r = random.Random(8)
        for _ in range(3000):
            self.assert_same(any_value(r, 4, PLAIN + OTHERS[: r.choice([0, 0, len(OTHERS)])]))
        self.assertGreater(self.used, 500)

    def test_the_bounds_are_the_same(self):
        values = [
            nested(128), nested(129), [0] * 999_999, [0] * 1_000_000, {str(i): i for i in range(499_999)}, {str(i): i for i in range(500_000)},
            ['x' * 1_000_000] * 16, ['x' * 1_000_000] * 17, ['\U0001f600' * 1_000_000] * 4 + [0.5] * 200_000, [(1 << 8 * 65_536) - 1], [1 << 8 * 65_536], [[-1 << 8 * 65_536]],
        ]
        for value in values:
            ends = []
            for codec in (Codec(), self.codec):
                try:
                    ends.append(len(codec.encode(value)))
                except cbor.Unencodable as error:
                    ends.append(str(error))
            self.assertEqual(ends[0], ends[1])

    def test_it_is_never_given_what_could_take_all_memory(self):
        long = 'x' * 1_000_000
        for value in ([long] * 5, [long.encode()] * 5, [{long: 1}] * 5, [[[{'a': long}]]] * 5):
            self.assert_same(value)
        self.assertEqual(self.used, 0)
        self.assert_same([long] * 4)
        self.assertEqual(self.used, 1)

    def test_what_it_has_an_error_for_is_told_in_the_words_of_cbor_py(self):
        class Panic(BaseException):
            pass

        def dumps(*_, **__):
            raise Panic

        self.codec._dumps = dumps
        self.assertEqual(self.codec.encode([1]), b'\x81\x01')

    def test_a_cycle_is_told(self):
        value = {}
        value['a'] = [value, value]
        with self.assertRaisesRegex(cbor.Unencodable, 'contains itself'):
            self.codec.encode(value)

    def test_equal_sets_are_equal_arrays_whatever_order_they_have(self):
        letters = 'hgfedcba'
        self.assertEqual(cbor.decode(cbor.encode({frozenset({each}) for each in letters})), [[each] for each in sorted(letters)])
        self.assertEqual(cbor.decode(cbor.encode({10, 9, 1.5, 'b', 'aa'})), [9, 10, 'b', 'aa', 1.5])
        self.assertEqual(cbor.decode(cbor.encode({datetime.date(2026, 1, 31), datetime.date(1999, 1, 1)})), ['1999-01-01', '2026-01-31'])

    def test_objects_are_referred_to(self):
        class Account:
            pass

        refer = lambda value: '/o/1' if isinstance(value, Account) else None
        self.assertEqual(self.codec.encode([Account()], refer), b'\x81\xd8\x27\x64/o/1')

    def test_plain_arguments_are_read_alike(self):
        leaves = [leaf for leaf in PLAIN if not isinstance(leaf, (datetime.datetime, dict, tuple))]
        r = random.Random(9)
        for value in [*([leaf] for leaf in leaves), *(any_value(r, 4, leaves) for _ in range(2000))]:
            encoded = cbor.encode(value)
            self.assertEqual(repr(self.codec.decode(encoded)), repr(cbor.decode(encoded)))


class Long(unittest.TestCase):
    def test_a_message_that_cbor2_would_read_in_pieces_is_read_without_it(self):
        used = []
        codec = CompiledCodec(None, lambda data: used.append(len(data)) or cbor.decode(data))
        for length in (65_000, 66_000):
            message = [1, bytes(length)]
            self.assertEqual(codec.decode(cbor.encode(message)), message)
        self.assertEqual(used, [65_005])


class Found(unittest.TestCase):
    def test_a_library_has_its_own_module_of_that_name_for_itself(self):
        for make in (lambda at: open(at + '.py', 'w').close(), os.mkdir):
            with tempfile.TemporaryDirectory() as folder:
                self.assertIsNotNone(compiled_cbor2('lib', folder))
                make(os.path.join(folder, 'cbor2'))
                self.assertIsNone(compiled_cbor2('lib', folder))
                self.assertIs(type(codec_for('lib', folder)), Codec)
        self.assertIsNone(compiled_cbor2('cbor2', tempfile.gettempdir()))

    def test_one_that_is_not_compiled_is_slower_and_not_used(self):
        import cbor2

        dumps = cbor2.dumps
        self.addCleanup(setattr, cbor2, 'dumps', dumps)
        cbor2.dumps = lambda value: dumps(value)
        self.assertIsNone(compiled_cbor2('lib', tempfile.gettempdir()))


if __name__ == '__main__':
    unittest.main()
