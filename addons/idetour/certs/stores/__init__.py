"""All trust stores that we know, in the order in which people meet them. A new one is a file and a line."""

from idetour.certs.stores import java, linux, macos, node, nss, python, windows
from idetour.certs.stores.store import LeftToYou, Store, Verdict

__all__ = ["STORES", "LeftToYou", "Store", "Verdict"]

STORES: dict[str, Store] = {
    store.name: store
    for store in (
        linux.STORE,
        nss.STORE,
        macos.STORE,
        windows.CURRENT_USER,
        windows.LOCAL_MACHINE,
        java.STORE,
        node.STORE,
        python.STORE,
    )
}
