"""The names in a module's __all__. What is wrong there Python tells only who says `from module import *`."""
from builtins import *
import importlib.util
import linecache
import os

from .load import LoadFailure


def listed_names(module):
    """None where there is no __all__. Raises LoadFailure."""
    listed = getattr(module, '__all__', None)
    if listed is None:
        return None
    if not isinstance(listed, (list, tuple)):
        raise _wrong(module, f"__all__ is a {type(listed).__name__}; write a list of names, such as __all__ = ['count'].")
    for name in listed:
        if not isinstance(name, str):
            shown = getattr(name, '__name__', None) or repr(name)[:40]
            raise _wrong(module, f'__all__ has {shown} itself in it, which is no text; write names in quotes.')
        if not _has(module, name):
            import difflib
            near = difflib.get_close_matches(name, vars(module), 1)
            cure = f"did you mean '{near[0]}'?" if near else 'mend the name, or remove it.'
            raise _wrong(module, f"__all__ has '{name}', which is not in the module: {cure}", name)
    return frozenset(listed)


def _has(module, name):
    """Also what a package imports when it is asked for it."""
    if hasattr(module, name):
        return True
    # Behind a dot is what another module has, which would be imported to look.
    return hasattr(module, '__path__') and name.isidentifier() and importlib.util.find_spec(f'{module.__name__}.{name}') is not None


def _wrong(module, what, name=None):
    file = getattr(module, '__file__', None) or module.__name__
    lines = linecache.getlines(file)
    first = next((at for at, line in enumerate(lines) if line.lstrip().startswith('__all__')), None)
    if first is None:
        return LoadFailure(f'{os.path.basename(file)}: {what}')
    quoted = (at for at, line in enumerate(lines[first:], first) if f"'{name}'" in line or f'"{name}"' in line)
    return LoadFailure(f'{os.path.basename(file)}:{next(quoted, first) + 1}: {what}')
