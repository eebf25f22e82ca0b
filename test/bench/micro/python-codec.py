"""Microseconds to write and to read what python-values.ts has, by each codec: `python3 python-codec.py HOST`, and the module on stdin."""
import json
import sys
import time

sys.path.insert(0, sys.argv[1])
from funcoap_host import cbor  # noqa: E402
from funcoap_host.codec import Codec, codec_for  # noqa: E402

began = time.perf_counter()
compiled = codec_for('bench', '/nowhere')
imported = time.perf_counter() - began
scope = {}
exec(sys.stdin.read(), scope)


def nanoseconds(run):
    """So often that the clock can tell, seven times: [lowest, median, highest]."""
    times, took = 1, 0.0
    while took < 0.02:
        times *= 2
        began = time.perf_counter()
        for _ in range(times):
            run()
        took = time.perf_counter() - began
    found = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(times):
            run()
        found.append((time.perf_counter() - began) / times * 1e9)
    return sorted(found)[::3]


steps = [['Python: import cbor2', [imported * 1e9] * 3]]
for name, value in scope['_values'].items():
    encoded = cbor.encode(value)
    for label, codec in (('cbor.py', Codec()), ('cbor2', compiled)):
        steps.append([f'Python: write {name}, {label}', nanoseconds(lambda: codec.encode(value))])
        if name != 'a mixed value':
            steps.append([f'Python: read {name}, {label}', nanoseconds(lambda: codec.decode(encoded))])
print(json.dumps(steps))
