"""Our roots, found again among those of others: by the mark in their common name, also the older ones."""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

MARK = re.compile(r"idetour .+ [0-9a-f]{8}")
"""The common name of each of our roots: whose it is, on which machine, and which."""

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def ours(pem: str) -> Iterator[tuple[int, x509.Certificate]]:
    """Each root of ours in a text, and where in it. What cannot be read is none."""
    for block in BLOCK.finditer(pem):
        with suppress(ValueError, binascii.Error):
            der = base64.b64decode(block[1])
            # Public lists hold certificates that break rules, which the parser complains about.
            if b"idetour " in der and is_ours(root := x509.load_der_x509_certificate(der)):
                yield block.start(), root


def is_ours(certificate: x509.Certificate) -> bool:
    """Whether it is a root of this program: this user's or another's. The intermediates are named otherwise."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return any(MARK.fullmatch(str(name.value)) for name in names)


def sha1(root: x509.Certificate) -> str:
    """In hex, small letters. No longer safe against forgery, but how Windows and macOS name a certificate."""
    return root.fingerprint(hashes.SHA1()).hex()
