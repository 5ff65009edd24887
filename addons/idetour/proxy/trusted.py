"""How the authority is and which stores trust it, for the dashboard, which may not look at certificates itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idetour.certs import trust
from idetour.certs.authority import status
from idetour.certs.sets import Authority
from idetour.certs.stores import STORES


def told(folder: Path) -> dict[str, Any]:
    """Of the authority in `folder`; blocks while the stores' programs run. `state` as in `idetour cert status`."""
    found = status(folder)
    one = found.authority
    return {
        "exists": found.exists,
        "problem": found.problem,
        "file": one and str(one.root),
        "hosts": one and [*one.hosts],
        "sealed": one and not one.key,
        "days_left": found.days_left,
        "stores": [*stores(one)] if one else [],
    }


def stores(authority: Authority) -> Iterator[dict[str, str]]:
    """Those that are on this machine and need not be named to be asked."""
    for store in STORES.values():
        if store.unasked and store.present():
            outcome = trust.look(store, authority)
            yield {"name": store.name, "title": store.title, "state": outcome.state, "text": outcome.text}
