"""What authors of Python libraries may import: promises, the call's context, invalidation.

    from funcoap import pure

    @pure(max_age=60)
    def litres(level, length, radius=0.5): ...

Everything works without the gateway too: decorators give back the function itself, and the context
is that of a local caller. So a module can be imported, run and tested by itself.
"""
import contextvars as _contextvars
import os as _os

__all__ = ['pure', 'safe', 'time_limit', 'context', 'Context', 'tag', 'invalidate', 'InvalidArgument']

_maxTags = 64
_maxTagLength = 256


def _promising(function, promises):
    """Remembers promises on the function; functools.wraps hands them on to a wrapper."""
    def promise(promised):
        if isinstance(promised, property):
            raise TypeError('what a property promises stands below @property, above its function')
        if not callable(promised):
            raise TypeError(f'a promise is of a function, not of {promised!r}; seconds have a name, such as @pure(max_age=60)')
        promised.__funcoap__ = {**getattr(promised, '__funcoap__', {}), **promises}
        return promised
    return promise if function is None else promise(function)


def safe(function=None):
    """No side effects: GET and FETCH are allowed."""
    return _promising(function, {'safe': True})


def pure(function=None, *, max_age=0, stale_while_revalidate=0, shared=False):
    """Safe, and equal arguments give equal results for a time: they may be cached for max_age seconds."""
    return _promising(function, {
        'pure': True, 'maxAge': max_age, 'staleWhileRevalidate': stale_while_revalidate, 'shared': shared,
    })


def time_limit(seconds):
    """Stops the function after this time, instead of the gateway's limit."""
    if callable(seconds):
        raise TypeError('@time_limit needs its seconds, such as @time_limit(2)')
    return _promising(None, {'timeLimit': seconds})


class InvalidArgument(ValueError):
    """Raise it where an argument has the right type and cannot be used: the caller gets 4.22 and this sentence."""

    def __init__(self, message, parameter=None):
        super().__init__(message)
        self.parameter = parameter


class Context:
    """What a function may know of the call that it serves; see context()."""

    __slots__ = ('_identity', '_groups', '_peer', '_read_caller', '_tags', 'correlation_id', 'deadline', 'data_folder')

    def __init__(self, identity='local', peer='', correlation_id='', deadline=float('inf'), data_folder='data', groups=()):
        self._identity = identity
        self._groups = tuple(groups)
        self._peer = peer
        self._read_caller = False
        self._tags = ()
        #: Ties log lines of one call together.
        self.correlation_id = correlation_id
        #: When the result is of no use any more: seconds since the epoch, to compare with time.time().
        self.deadline = deadline
        #: The library's data folder: the only files it should touch. It may not exist yet.
        self.data_folder = data_folder

    @property
    def identity(self):
        """Who calls. Reading it makes a cached result private to this caller, unless it is shared."""
        self._read_caller = self._read_caller or 'identity'
        return self._identity

    @property
    def groups(self):
        """The groups that the identity was enrolled in, as access rules see them. Reading them makes a cached result private too."""
        self._read_caller = self._read_caller or 'identity'
        return self._groups

    @property
    def peer(self):
        """The caller's address and port. Reading it makes a cached result private too."""
        self._read_caller = 'peer'
        return self._peer


#: The call that is being served, and what carries invalidations to the gateway. Set by the gateway's side.
_current = _contextvars.ContextVar('funcoap_call', default=None)
_send_invalidation = None


def context():
    """The call that is being served; of a local caller where there is no gateway."""
    call = _current.get()
    if call is not None:
        return call
    if _send_invalidation is not None:
        raise RuntimeError('context() works inside a call only, not while the module loads or from a thread of its own.')
    return Context(data_folder=_os.path.abspath('data'))


def tag(name):
    """Gives the result of this call a name under which it can be invalidated later."""
    call = context()
    if not isinstance(name, str) or len(name) > _maxTagLength or (name not in call._tags and len(call._tags) >= _maxTags):
        raise ValueError(f'A result can carry {_maxTags} tags, texts of at most {_maxTagLength} characters each.')
    if name not in call._tags:
        call._tags += (name,)


def invalidate(*, method=None, tag=None):
    """Says that cached results are out of date: those of one function of this library, or those with a tag."""
    if (method is None) == (tag is None) or not isinstance(method or tag, str):
        raise TypeError("invalidate() takes method='NAME' or tag='NAME'; call it once for each.")
    if _send_invalidation is not None:
        _send_invalidation('tag' if method is None else 'method', tag if method is None else method)
