"""`GET /proxy.pac`: tells a system which requests to send here: those to the model hosts, and no others."""

import json
from collections.abc import Iterable

TYPE = "application/x-ns-proxy-autoconfig"


def script(hosts: Iterable[str], address: str) -> bytes:
    """JavaScript as old as the oldest engine that reads such files; `address` is where we were asked.

    There is no second choice for a model host: its requests must not silently go where the IDE's key goes.
    """
    names = json.dumps(dict.fromkeys(sorted(hosts), 1))
    return (
        "function FindProxyForURL(url, host) {\n"
        f"  var ours = {names};\n"
        f'  return ours[host.toLowerCase()] === 1 ? {json.dumps(f"PROXY {address}")} : "DIRECT";\n'
        "}\n"
    ).encode()
