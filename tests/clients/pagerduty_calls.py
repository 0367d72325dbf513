"""PagerDuty's own client against a hub, one call by its name: pagerduty_calls.py URL KEY CALL. Prints what the client returns.

The client takes no address but https: CERTIFICATE and PRIVATE_KEY name the files of a proxy in front of the hub, as people have one.
"""

import json
import os
import socket
import ssl
import sys
import threading
from urllib.parse import urlsplit

from pagerduty import EventsApiV2Client

url, key, call = sys.argv[1:4]


def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def serve(listener, context):
    while True:
        plain = listener.accept()[0]
        try:
            near = context.wrap_socket(plain, server_side=True)
        except ssl.SSLError:
            continue
        far = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))
        for pair in [(near, far), (far, near)]:
            threading.Thread(target=pump, args=pair, daemon=True).start()


def behind_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["CERTIFICATE"], os.environ["PRIVATE_KEY"])
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, context), daemon=True).start()
    return f"https://localhost:{listener.getsockname()[1]}"


trusted = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
# Beyond the address and the key, everything is as the library has it; but the test does not wait for its longest pauses.
client = EventsApiV2Client(key, base_url=behind_tls(), verify=trusted)
client.sleep_timer_base = 1.2

CALLS = {
    "trigger": lambda: client.trigger(
        "queue is full",
        "mail-1",
        dedup_key="queue",
        severity="warning",
        payload={"component": "postfix", "group": "prod", "class": "queue"},
        custom_details={"length": 4000},
        links=[{"href": "https://wiki.example/queue", "text": "run book"}],
        images=[{"src": "https://graphs.example/queue.png"}],
    ),
    "trigger without a key": lambda: client.trigger("no key", "mail-2"),
    "acknowledge": lambda: client.acknowledge("queue"),
    "resolve": lambda: client.resolve("queue"),
    "change": lambda: client.submit(
        "build 17 is out",
        source="ci",
        # Without one, this version of the library fails before it sends anything.
        timestamp="2026-11-30T12:00:00Z",
        custom_details={"commit": "abc"},
        links=[{"href": "https://ci.example/17", "text": "build"}],
    ),
}

try:
    print(json.dumps({"returned": CALLS[call]()}))
except Exception as error:  # What the client makes of a refusal is what is asked for.
    print(json.dumps({"raised": type(error).__name__, "said": str(error)}))
