"""A lamp whose functions others call."""
import sys

import funcoap


def switch(on: bool) -> str:
    return "on" if on else "off"


functions = {"switch": switch}

with funcoap.connect(sys.argv[1] if len(sys.argv) > 1 else "coap://127.0.0.1") as gw:
    lamp = gw.callbacks.Client("lamp", {"switch": "Switches it on or off."}, replace=True)
    for id, name, args, caller in lamp.calls():
        try:
            lamp.answer(id, functions[name](*args))
        except Exception as error:
            lamp.fail(id, str(error))
