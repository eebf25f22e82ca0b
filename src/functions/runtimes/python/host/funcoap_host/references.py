"""Which classes make objects, which objects peers know, and by which ids. A process serves one library: there is one of each.

Each identity has an id of its own for an object, the same as often as it is given it. How often an id was given is counted,
here and in the gateway: who lets go of it says what it has counted, so that an id that is on its way to its identity once more
meanwhile stays. An object without ids is nobody's but the library's.
"""
from builtins import *
import base64
import os

from .cbor import Unencodable

#: 48 random bits: too many to guess, 8 characters.
_idBytes = 6

#: What exported classes are called; of several names the first.
class_names = {}


class NoSuchObject(Exception):
    """An argument refers to an object that is not there any more."""


def name_of(value):
    """The exported class of an object, the nearest where it is of a subclass; None where it is data."""
    return next((class_names[base] for base in type(value).__mro__ if base in class_names), None)


class _Known:
    __slots__ = ('object', 'identity', 'times')

    def __init__(self, made, identity):
        self.object = made
        self.identity = identity
        self.times = 1


class _Ids:
    """Of one object."""
    __slots__ = ('all', 'of_identity')

    def __init__(self):
        self.all = set()
        self.of_identity = {}


class ObjectIds:
    def __init__(self):
        self._known = {}
        #: By id(), which is an object's own as long as _known has it: not all can be keys.
        self._ids = {}

    def object(self, number):
        """Raises LookupError where nobody knows it by this id any more."""
        known = self._known.get(number)
        if known is None:
            raise LookupError('The object is not there any more.')
        return known.object

    def argument(self, reference):
        """What a reference in an argument stands for. Raises NoSuchObject."""
        try:
            return self.object(reference.number)
        except LookupError:
            raise NoSuchObject(
                f'The object /o/{reference.number} was let go of before the function ran; make another one.') from None

    def add(self, number, made, identity):
        """The id is given elsewhere."""
        self._known[number] = _Known(made, identity)
        of_object = self._ids.setdefault(id(made), _Ids())
        of_object.all.add(number)
        of_object.of_identity[identity] = number

    def give(self, made, identity):
        """The id of the object for an identity that is given it now, and how often it was, this time included."""
        of_object = self._ids.get(id(made))
        number = None if of_object is None else of_object.of_identity.get(identity)
        if number is None:
            number = base64.urlsafe_b64encode(os.urandom(_idBytes)).decode()
            self.add(number, made, identity)
        else:
            self._known[number].times += 1
        return number, self._known[number].times

    def take_back(self, number):
        """It did not reach its identity."""
        known = self._known.get(number)
        if known is not None:
            known.times -= 1
            if known.times == 0:
                self._forget(number)

    def remove(self, number, times):
        """The object, where that was the last of its ids; otherwise None."""
        known = self._known.get(number)
        return self._forget(number) if known is not None and known.times == times else None

    def _forget(self, number):
        known = self._known.pop(number)
        of_object = self._ids[id(known.object)]
        of_object.all.remove(number)
        # Peers without an identity have an id each of an instance that is for all callers.
        if of_object.of_identity.get(known.identity) == number:
            del of_object.of_identity[known.identity]
        if of_object.all:
            return None
        del self._ids[id(known.object)]
        return known.object


ids = ObjectIds()


class HandedObjects:
    """The objects in what one call returns: each becomes a reference, of the same object the same one."""

    def __init__(self, identity):
        self._identity = identity
        self._given = {}

    def refer(self, value):
        """The path of an object; None where the value is data."""
        name = name_of(value)
        if name is None:
            return None
        given = self._given.get(id(value))
        if given is None:
            given = self._given[id(value)] = (*ids.give(value, self._identity), name)
        return f'/o/{given[0]}'

    @property
    def given(self):
        """(id, class, how often it was given) of each."""
        return [(number, name, times) for number, times, name in self._given.values()]

    def take_back(self):
        """What they stood in is not returned after all."""
        for number, _, _ in self._given.values():
            ids.take_back(number)


class NoObjects:
    """Of what is asked for item by item nobody keeps accounts."""
    given = ()

    def refer(self, value):
        name = name_of(value)
        if name is not None:
            raise Unencodable(f'An item of a stream has an object of {name} in it; give its data, or a method that returns it.')

    def take_back(self):
        pass
