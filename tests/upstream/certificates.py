"""Certificate authorities that live as long as a test: good leaves, expired ones, wrong names."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Its own certificate is the file `ca`; `leaf` writes key and certificate of a server to one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name("idetour test authority")
        self.ca = folder / "authority.pem"
        builder = self._builder(self._name, self._key)
        for rule in (x509.BasicConstraints(ca=True, path_length=0), SIGNS_CERTIFICATES):
            builder = builder.add_extension(rule, critical=True)
        self.ca.write_bytes(pem(builder.sign(self._key, hashes.SHA256())))

    def leaf(self, *hosts: str, expired: bool = False) -> Path:
        """A certificate for these names or addresses (default: this machine), expired yesterday or good."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([general(host) for host in hosts or ("127.0.0.1", "localhost")])
        builder = self._builder(name("upstream"), key, -DAY if expired else DAY)
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        path = self._folder / f"leaf-{certificate.serial_number}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(secret + pem(certificate))
        return path

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, life: datetime.timedelta = DAY
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - 2 * DAY).not_valid_after(now + life)
        return builder.add_extension(identifier, critical=False).add_extension(issuer, critical=False)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
