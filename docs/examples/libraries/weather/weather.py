"""Temperatures: a Python module as one writes it, and its functions are callable."""
import statistics

from funcoap import InvalidArgument, pure, safe


readings = {}


def report(place: str, celsius: float) -> int:
    """Keeps a reading, and tells how many there are of its place."""
    kept = readings.setdefault(place, [])
    kept.append(celsius)
    del kept[:-1000]
    return len(kept)


@safe
def mean(place: str) -> float:
    """The mean of what a place has reported."""
    if place not in readings:
        raise InvalidArgument(f'{place} has not reported anything.', 'place')
    return statistics.mean(readings[place])


@pure(max_age=240)
def fahrenheit(celsius: float) -> float:
    """Degrees Fahrenheit."""
    return celsius * 9 / 5 + 32
