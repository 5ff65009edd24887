"""TLS to the upstreams: whom the system trusts, except ourselves.

Once the user trusts our root, a host that resolves to this machine would
look genuine to our own client, and a request would go round in circles.
A certificate names its issuer's key, so one look after the handshake,
before anything is sent, is enough.
"""

import ssl
from pathlib import Path

from cryptography import x509

from idetour.certs.authority import Authority
from idetour.errors import SetupError

OWN_CERTIFICATE = "OWN_CERTIFICATE"
"""The `reason` of the ssl.SSLError by which callers know a loop from other TLS trouble."""


def outbound_context(authority: Authority | None, ca: Path | None = None) -> ssl.SSLContext:
    """A client context that verifies with `ca`, or else with what the system (or `SSL_CERT_FILE`) trusts.

    A peer whose certificate our authority signed fails the handshake with an
    ssl.SSLCertVerificationError, with asyncio and with blocking sockets alike.
    Raises SetupError where `ca` cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise SetupError(
            f"{ca} cannot be used as a certificate file: {error}. It has to hold certificates in PEM form."
        ) from error
    if authority:
        context.sslobject_class, context.sslsocket_class = _refusing(authority.issuer_ids)
    return context


def _refusing(ours: frozenset[bytes]) -> tuple[type[ssl.SSLObject], type[ssl.SSLSocket]]:
    class Object(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _refuse(self.getpeercert(binary_form=True), ours)

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            _refuse(self.getpeercert(binary_form=True), ours)

    return Object, Socket


def _refuse(peer: bytes | None, ours: frozenset[bytes]) -> None:
    if peer and _issuer_id(peer) in ours:
        error = ssl.SSLCertVerificationError(
            1,
            "the certificate is idetour's own: this host name leads back to this machine "
            "(see the hosts file and the system proxy)",
        )
        error.reason = OWN_CERTIFICATE
        raise error


def _issuer_id(peer: bytes) -> bytes | None:
    """The key identifier of who signed it. None: it names none, or is too odd to be ours."""
    try:
        extensions = x509.load_der_x509_certificate(peer).extensions
        return extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
