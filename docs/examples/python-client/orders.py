"""What customers have bought, asked from plain Python."""
import sys

import funcoap

with funcoap.connect(sys.argv[1] if len(sys.argv) > 1 else "coap://127.0.0.1") as gw:
    ada = gw.shop.customer("Ada")
    for order in gw.shop.ordersOf(customer=ada["id"]):
        print(f"{order['item']:6} {order['price']}")

    try:
        gw.shop.customer("Bob")
    except funcoap.ArgumentError as error:
        print(error)

    try:
        gw.shop.buy("lamp")
    except funcoap.RemoteError as error:
        print(error.status, *error.thrown[:2])
