"""The certificates: constrained root → constrained intermediate → one leaf per host.

The root says which names it may vouch for, and most clients obey. Java and
rustls ignore such constraints on the certificate that is trusted itself, so
an intermediate, the only thing the root ever signs, says the same again;
there every client obeys. Nothing here touches a file or a clock.
"""

import getpass
import ipaddress
import platform
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PROFILE = 1
"""The version of the rules in this file. It stands in the root's name; a change makes a new authority."""

LIFETIME = timedelta(days=730)
"""Of root and intermediate, and of a sealed leaf, which nobody can make anew. Leaves of 199, 365, 730 and
825 days were accepted by every client tried; Apple's limit for a root that the user installed is 825
(https://support.apple.com/103769), and the 398 days of public authorities do not apply."""

RENEWABLE_LIFETIME = timedelta(days=90)
"""Of a leaf that can be made anew without asking anybody: a stolen leaf key is of use for no longer."""

BACKDATED = timedelta(days=2)
"""For clocks that are behind: the IDE may run in a virtual machine or on another one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def sealed(hosts: Sequence[str], *, now: datetime) -> tuple[x509.Certificate, dict[str, bytes]]:
    """A root, and for each host a PEM file of leaf key, leaf and intermediate.

    *Sealed*: the keys of root and intermediate end with this call, so nobody
    can ever sign anything else, not even a longer list.
    """
    root = make_root(hosts, now=now)
    intermediate = make_intermediate(root)
    return root.certificate, {host: _pem(make_leaf(intermediate, host), intermediate) for host in hosts}


def renewable(hosts: Sequence[str], *, now: datetime) -> tuple[x509.Certificate, Identity]:
    """A root, and the intermediate by which `served` makes leaves, now and later.

    *Renewable*: only the root's key ends here. Who gets the intermediate's can
    sign for the listed hosts and what lies below them, and for nothing else.
    """
    root = make_root(hosts, now=now)
    return root.certificate, make_intermediate(root)


def served(intermediate: Identity, host: str, *, now: datetime) -> bytes:
    """The PEM file of a host whose leaf can be made anew: leaf key, leaf, intermediate."""
    return _pem(make_leaf(intermediate, host, now=now), intermediate)


def make_root(hosts: Sequence[str], *, now: datetime) -> Identity:
    """A root for these names and what lies below them, and for no IP address.

    The only key usage is to sign certificates: where a root may sign
    revocation lists too, Windows asks for one and fails.
    """
    key = _new_key()
    start = (now - BACKDATED).replace(microsecond=0)
    name = _name(_label(), unit=f"profile {PROFILE}")
    builder = (
        _builder(name, key, start, start + LIFETIME)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_key_usage(key_cert_sign=True), critical=True)
        .add_extension(_constraints(hosts), critical=True)
    )
    return Identity(builder.sign(key, hashes.SHA256()), key)


def make_intermediate(root: Identity) -> Identity:
    """What the clients really obey: the root's constraints again, servers only, and no authority below."""
    key = _new_key()
    constraints = root.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    above = root.certificate
    name = _name(f"{common_name(above)} intermediate")
    builder = (
        _builder_below(root, name, key, above.not_valid_before_utc, above.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints, critical=True)
    )
    return Identity(builder.sign(root.key, hashes.SHA256()), key)


def make_leaf(issuer: Identity, host: str, *, now: datetime | None = None) -> Identity:
    """A server certificate for one name: for RENEWABLE_LIFETIME from `now`, or else as long as its issuer.

    Its key usage is to sign alone, as in the ECDSA certificates of public
    authorities: to encipher keys is not for such keys (RFC 8813, section 3).
    """
    key = _new_key()
    start, end = issuer.certificate.not_valid_before_utc, issuer.certificate.not_valid_after_utc
    if now:
        fresh = now.replace(microsecond=0)
        start, end = max(start, fresh - BACKDATED), min(end, fresh + RENEWABLE_LIFETIME)
    # A common name holds 64 characters at most; no client here reads it, people do.
    name = _name(host if len(host) <= 64 else None)
    builder = (
        _builder_below(issuer, name, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    )
    return Identity(builder.sign(issuer.key, hashes.SHA256()), key)


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def profile_of(root: x509.Certificate) -> int:
    """The version of the rules that a root was made by. Raises ValueError where its name says none."""
    units = root.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return int(str(units[0].value).removeprefix("profile ")) if units else 0


def hosts_of(root: x509.Certificate) -> tuple[str, ...]:
    """The names that a root may vouch for. Raises ValueError or x509.ExtensionNotFound where it lists none."""
    permitted = root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    if hosts := tuple(name.value for name in permitted or () if isinstance(name, x509.DNSName)):
        return hosts
    raise ValueError("it lists no host")


def key_id(issuer: x509.Certificate) -> bytes:
    """The issuer's subject key identifier, which each certificate it signs repeats."""
    return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _constraints(hosts: Sequence[str]) -> x509.NameConstraints:
    # Names alone would leave IP addresses free, and most clients then accept them.
    everywhere = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(host) for host in hosts],
        excluded_subtrees=[x509.IPAddress(network) for network in everywhere],
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _builder_below(
    issuer: Identity, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier(key_id(issuer.certificate), None, None)
    return (
        _builder(subject, key, start, end)
        .issuer_name(issuer.certificate.subject)
        .add_extension(identifier, critical=False)
    )


def _key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str | None, *, unit: str | None = None) -> x509.Name:
    parts = (
        (NameOID.ORGANIZATION_NAME, "idetour"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def _label() -> str:
    """A common name that tells this authority from all others in a trust store: whose, where, which."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user without a name
        user = "user"
    # Without what makes a tool put a name in quotes: it is looked for in what such tools print.
    plain = (char for char in f"{user}@{platform.node()}" if char.isprintable() and char not in ',;+="<>#\\')
    owner = "".join(plain)
    short = owner.encode()[:32].decode(errors="ignore")  # with the words around it at most 64 bytes
    return f"idetour {short} {secrets.token_hex(4)}"


def _pem(leaf: Identity, intermediate: Identity) -> bytes:
    pem = serialization.Encoding.PEM
    key = leaf.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key + leaf.certificate.public_bytes(pem) + intermediate.certificate.public_bytes(pem)
