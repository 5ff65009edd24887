"""Why a connection failed, as a clause, and the way out, as a sentence."""

import socket
import ssl
from collections.abc import Iterator

import httpx2

from idetour.certs.outbound import OWN_CERTIFICATE

# https://docs.openssl.org/3.0/man1/openssl-verification-options/#diagnostics
NOT_YET_VALID, EXPIRED, WRONG_NAME = 9, 10, 62


def explained(error: httpx2.HTTPError, *, here: bool = False) -> tuple[str, str]:
    """What happened and what to do. `here`: the other side is meant to be on this machine."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificate(cause)
        if isinstance(cause, ssl.SSLError):
            return (
                f"speaks no TLS that we understand ({cause.reason})",
                "Is it http rather than https, or the wrong port?",
            )
        if isinstance(cause, socket.gaierror):
            return (
                "its name cannot be resolved",
                "Look at the spelling in the profile, and at the network's DNS.",
            )
        if isinstance(cause, ConnectionRefusedError):
            remedy = "Start it." if here else "Look at the port in the profile, and at the firewall."
            return "nothing listens there (connection refused)", remedy
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy on the way refuses: {error}", "Look at `proxy:` of this upstream in the profile."
    if isinstance(error, httpx2.TimeoutException):
        return (
            "does not answer in time",
            "Is its host blocked in this network? Name a proxy for it with `proxy:` in the profile.",
        )
    return (
        f"the connection broke: {error or type(error).__name__}",
        "Try again; if it stays, look at what is in between.",
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Why a certificate was refused."""
    if error.reason == OWN_CERTIFICATE:
        return (
            "leads back to this machine: the certificate is idetour's own",
            "An upstream cannot be a host that is taken over: idetour takeover off, or choose another upstream.",
        )
    match error.verify_code:
        case code if code in (NOT_YET_VALID, EXPIRED):
            said = "has expired" if code == EXPIRED else "is not valid yet"
            return f"its certificate {said}", "Look at this machine's clock first."
        case code if code == WRONG_NAME:
            return (
                "its certificate is for another name",
                "Look at the URL: is it the host that the certificate names?",
            )
    return (
        f"its certificate is not trusted ({error.verify_message})",
        "Where a company's or an antivirus's proxy is in between, name its certificate: `ca:` of the upstream, or SSL_CERT_FILE.",
    )
