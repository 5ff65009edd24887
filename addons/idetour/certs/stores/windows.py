"""Windows: the roots of the current user and those of the machine, by `certutil`.

The user's need no administrator, only a click: Windows asks before it adds or
deletes one there. What runs as a service reads the machine's.
"""

import re
import shutil
import sys
from functools import partial

from cryptography import x509

from idetour.certs import roots
from idetour.certs.sets import Authority
from idetour.certs.stores.proof import Client, verdict
from idetour.certs.stores.store import Command, Store, Verdict
from idetour.system import run

USER, MACHINE = ("-user",), ()
CERTIFICATE = re.compile(r"^={4,}.*?={4,}\s*$", re.MULTILINE)  # a heading, its words in any language
THUMBPRINT = re.compile(r"\(sha1\)\s*[:：]\s*((?:[0-9a-f]{2} ?){20})", re.IGNORECASE)
SUBJECT = re.compile(r"\bCN=([^,\r\n]+)")


def present() -> bool:
    return sys.platform == "win32"


def trusted(where: tuple[str, ...], authority: Authority) -> Verdict:
    """Both stores answer as one, so a handshake proves that one of them holds it, and the list says which."""
    if thumbprint(authority) not in held(where):
        return Verdict(False, "its list does not hold it")
    return verdict(authority, [curl()])


def curl() -> Client:
    """The curl that comes with Windows: its TLS is Schannel, which is what the system's programs use."""
    return Client(
        name="curl (Schannel)",
        program=shutil.which("curl", path=r"C:\Windows\System32"),
        arguments=lambda host, port: (  # no list of revoked certificates exists for ours
            *("-q", "-sS", "--noproxy", "*", "--max-time", "10", "--ssl-revoke-best-effort"),
            *("--connect-to", f"{host}:443:127.0.0.1:{port}", f"https://{host}/"),
        ),
    )


def additions(where: tuple[str, ...], authority: Authority) -> list[Command]:
    words = ("certutil", *where, "-addstore", "-f", "Root", str(authority.root))
    return [Command(words, elevate=where == MACHINE)]


def removals(where: tuple[str, ...]) -> list[Command]:
    """By thumbprint: a name may be somebody else's, too. The user's list shows the machine's roots as well."""
    inherited = held(MACHINE) if where == USER else []
    return [
        Command(("certutil", *where, "-delstore", "Root", each), elevate=where == MACHINE)
        for each in held(where)
        if each not in inherited
    ]


def held(where: tuple[str, ...]) -> list[str]:
    """The thumbprints of our roots in a store."""
    return parsed(run(("certutil", *where, "-store", "Root")).out)


def parsed(listing: str) -> list[str]:
    """The same from what `certutil -store` prints. Its words are translated, the marks in them are not."""
    found = []
    for block in CERTIFICATE.split(listing):
        names, digest = SUBJECT.findall(block), THUMBPRINT.search(block)
        if digest and names and all(roots.MARK.fullmatch(name.strip()) for name in names):
            found.append(digest[1].replace(" ", "").lower())
    return found


def thumbprint(authority: Authority) -> str:
    return roots.sha1(x509.load_pem_x509_certificate(authority.root.read_bytes()))


def store(where: tuple[str, ...], name: str, title: str, *, unasked: bool) -> Store:
    return Store(
        name=name,
        title=title,
        after="Quit browsers and IDEs completely and start them again.",
        present=present,
        trusted=partial(trusted, where),
        additions=partial(additions, where),
        removals=partial(removals, where),
        unasked=unasked,
    )


CURRENT_USER = store(USER, "windows-user", "Windows, the roots of the current user", unasked=True)
LOCAL_MACHINE = store(MACHINE, "windows-machine", "Windows, the roots of the machine", unasked=False)
