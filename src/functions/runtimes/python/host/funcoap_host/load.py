"""Imports a library's module by its path, and says in one sentence where that fails."""
from builtins import *
import importlib.machinery
import importlib.util
import os
import sys


class LoadFailure(Exception):
    """One sentence with file and line where known."""


def load_module(library, entry):
    """The module, imported under the name of its library. Raises LoadFailure."""
    folder = os.path.dirname(entry)
    _add_to_path(folder)
    name = library.replace('-', '_')
    if name in getattr(sys, 'stdlib_module_names', ()) or name in sys.modules:
        # `date` is free; `math` is Python's own, which other modules import.
        name += '_library'
    package = [folder] if os.path.basename(entry) == '__init__.py' else None
    loader = importlib.machinery.SourceFileLoader(name, entry)
    spec = importlib.util.spec_from_file_location(name, entry, loader=loader, submodule_search_locations=package)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as error:
        raise LoadFailure(_sentence(error, folder, entry)) from None
    return module


def _add_to_path(folder):
    """Behind Python's own modules, which a file of the library must not hide, and before installed ones."""
    installed = [at for at, path in enumerate(sys.path) if 'site-packages' in path or 'dist-packages' in path]
    sys.path.insert(installed[0] if installed else len(sys.path), folder)


def _sentence(error, folder, entry):
    place, text = _place(error, folder) or os.path.basename(entry), _text(error).replace(folder + os.sep, '')
    if isinstance(error, SystemExit):
        return f'{place}: it called sys.exit({error.code!r}) while loading; put what a program does below `if __name__ == "__main__":`.'
    if isinstance(error, MemoryError):
        return f'{place}: it ran out of memory while loading; see the setting workers.memory.'
    if isinstance(error, ModuleNotFoundError) and error.name:
        package, _, inner = error.name.partition('.')
        if inner:
            return f"{place}: there is no module '{error.name}'; mend the name and save the file."
        return (f"{place}: there is no module '{error.name}'; install it in the library's folder with "
                f'`python3 -m venv .venv && .venv/bin/pip install {package}` and save the file.')
    kind = '' if isinstance(error, SyntaxError) else f'{type(error).__name__}: '
    cure = next((cure for said, cure in _cures if said in text), 'mend it and save the file')
    return f'{place}: {kind}{text.rstrip(".") or "failed while it was loaded"}; {cure}.'


#: Of what does not say itself how it is mended.
_cures = (
    ('relative import with no known parent package', 'write `import other`, or name the file __init__.py'),
    ('cannot contain null bytes', 'save the file as UTF-8'),
)


def _text(error):
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        return ' '.join(str(text).split())[:500]
    except BaseException:
        return ''


def _place(error, folder):
    """The innermost line of the library's own files."""
    inside = folder + os.sep
    if isinstance(error, SyntaxError) and error.filename and os.path.abspath(error.filename).startswith(inside):
        return error.filename[len(inside):] + (f':{error.lineno}' if error.lineno else '')
    place, trace = None, error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(inside) and f'{os.sep}.venv{os.sep}' not in path:
            place = f'{path[len(inside):]}:{trace.tb_lineno}'
        trace = trace.tb_next
    return place
