"""Started by the gateway as `python3 start.py`: serves one version of one library over the socket that it was given."""
import os
import sys

# Libraries shall find `funcoap`, which is imported here, and nothing else of this folder.
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != os.path.dirname(os.path.abspath(__file__))]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from funcoap_host.serve import serve  # noqa: E402

del sys.path[0]
serve(3)
