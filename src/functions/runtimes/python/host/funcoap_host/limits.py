"""What a Python process may take: memory on Linux by RLIMIT_DATA, and its end when the gateway's comes.

RLIMIT_AS would count what threads and numerical libraries only reserve; RLIMIT_DATA counts what can be written
(setrlimit(2), Linux 4.7 and later), so `import numpy` fits into a limit that means memory. The stacks of threads count in full.
"""
from builtins import *
import os
import signal
import sys
import threading

_whileLoading = 8
_prSetPdeathsig = 1
#: Of a thread that Python starts; the system's 8 MiB would let 15 of them be the whole of the default limit. What CPython itself
#: takes where the C library is musl: enough for its limit of recursion. No RFC's number.
_stackBytes = 1_048_576


def limit_loading(memory):
    """Before the module is imported: no limit that a library could need, and one that saves the machine."""
    _limit_data(_whileLoading * memory)
    threading.stack_size(_stackBytes)
    try:
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):
        pass


def limit_calls(memory):
    """From now on: what the loaded module takes, and this much more."""
    used = _data_bytes()
    if used is not None:
        _limit_data(used + memory)
    try:
        # Behind the gateway's own threads.
        os.nice(10)
    except OSError:
        pass


def _limit_data(limit):
    if not sys.platform.startswith('linux'):
        return
    try:
        import resource
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    except (ImportError, OSError, ValueError):
        pass


def _data_bytes():
    try:
        with open('/proc/self/status', encoding='ascii', errors='replace') as status:
            for line in status:
                if line.startswith('VmData:'):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def end_with_gateway(gateway):
    """A function that never ends shall not outlive a gateway that was killed: prctl(2), PR_SET_PDEATHSIG."""
    if not sys.platform.startswith('linux'):
        return
    try:
        import ctypes
        ctypes.CDLL(None).prctl(_prSetPdeathsig, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != gateway:
        os._exit(0)
