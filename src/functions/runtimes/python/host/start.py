"""Started by the gateway as `python3 start.py`: serves one version of one library over the socket that it was given."""
import os
import struct
import sys

if sys.version_info < (3, 9):
    # `load failed` of ../frames.ts; nothing of the rest can be read by an older Python.
    said = ('it needs Python 3.9 or newer, and its python3 is %d.%d; install a newer one and save the file.' % sys.version_info[:2]).encode('ascii')
    payload = b'\x82\x02\x78' + struct.pack('>B', len(said)) + said
    os.write(3, struct.pack('>I', len(payload)) + payload)
    os._exit(0)

# Libraries shall find `funcoap`, which is imported here, and nothing else of this folder.
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != os.path.dirname(os.path.abspath(__file__))]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from funcoap_host.serve import serve  # noqa: E402

del sys.path[0]
# multiprocessing reads this file again, under another name, in what it spawns.
if __name__ == '__main__':
    serve(3)
