"""What is told of an exception that a function raised: never raises itself, whatever the exception's own methods do."""
from builtins import *
import os

from .cbor import Unencodable, encode
from .references import NoSuchObject

_maxText = 8192
_maxStack = 16384
_maxAttributes = 32
_maxAttributeBytes = 16384
_ours = os.path.dirname(os.path.abspath(__file__)) + os.sep


def describe_failure(error, invalid_argument):
    """(problem, message, parameter, class name, text, traceback, attributes as CBOR)"""
    try:
        if isinstance(error, invalid_argument):
            parameter = getattr(error, 'parameter', None)
            return ('invalid-argument', _text(error), parameter if isinstance(parameter, str) else None, None, None, None, None)
        if isinstance(error, Unencodable):
            return 'unencodable-result', _text(error), None, None, None, None, None
        if isinstance(error, NoSuchObject):
            return 'no-such-object', _text(error), None, None, None, None, None
        name = type(error).__name__[:64]
        problem, message = 'function-failed', f'The function raised {name}.'
        if isinstance(error, MemoryError):
            problem, message = 'memory-limit', 'The function needs more memory than it may take; see the setting workers.memory.'
        return problem, message, None, name, _text(error), _stack(error), _attributes(error)
    except BaseException:
        return 'function-failed', 'The function raised something that cannot be shown.', None, None, None, None, None


def _text(error):
    try:
        return str(error)[:_maxText]
    except BaseException:
        return '(its text cannot be shown)'


def _stack(error):
    """From the function on: what called it is the gateway's, and helps nobody."""
    try:
        import traceback
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_ours):
            trace = trace.tb_next
        return ''.join(traceback.format_exception(type(error), error, trace, limit=-32))[-_maxStack:]
    except BaseException:
        return None


def _attributes(error):
    """The public attributes that can be carried, as the CBOR of a map; None where there are none."""
    kept, size = {}, 0
    for name, value in list(vars(error).items()):
        if not isinstance(name, str) or name.startswith('_') or len(kept) == _maxAttributes or hasattr(type(value), '__next__'):
            # What is read once is no data.
            continue
        try:
            size += len(name) + len(encode(value))
        except BaseException:
            continue
        if size > _maxAttributeBytes:
            break
        kept[name] = value
    return encode(kept) if kept else None
