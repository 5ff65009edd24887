"""Real clients that trust our root accept the listed name, and nothing else that our keys could sign."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from idetour.certs import chain
from idetour.certs.chain import Identity, make_intermediate, make_leaf, make_root
from upstream import Upstream
from upstream.certificates import SIGNS_CERTIFICATES, general, name, pem

LISTED = "api.openai.com"
HERE = Path(__file__).parent
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CLIENTS_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])

type Chain = tuple[Identity, ...]  # as a server shows it, the leaf first
type Sites = Mapping[str, str]  # what is special about the certificate → NAME:PORT
type Client = Callable[[Path, Sequence[str]], list[str]]  # file of roots, NAME:PORT … → verdicts


def forged(
    issuer: Identity | None,
    *names: str,
    common: str = "forged",
    end: datetime = NOW + 9 * DAY,
    usage: x509.ExtendedKeyUsage = SERVERS,
    ca: bool = False,
) -> Identity:
    """A certificate that our own functions would never make. Without an issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    ski = x509.SubjectKeyIdentifier.from_public_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer.certificate.subject if issuer else name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(SIGNS_CERTIFICATES if ca else usage, critical=ca)
        .add_extension(ski(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier(ski(signer.public_key()).digest, None, None), critical=False
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(general, names)), critical=False)
    return Identity(builder.sign(signer, hashes.SHA256()), key)


def chains() -> tuple[bytes, dict[str, tuple[str, Chain]]]:
    """Two roots in PEM, ours and another authority's, and by kind the name to ask for and what is shown."""
    root = make_root([LISTED], now=NOW)
    middle = make_intermediate(root)
    ours = make_leaf(middle, LISTED)
    below = forged(middle, common="below", ca=True)
    other = forged(None, common="other authority", ca=True)
    return pem(root.certificate) + pem(other.certificate), {
        "ours": (LISTED, (ours, middle)),
        "of another trusted authority": ("evil.example", (forged(other, "evil.example"),)),
        "for a foreign name": ("evil.example", (forged(middle, "evil.example"), middle)),
        "for a wildcard above": ("chat.openai.com", (forged(middle, "*.openai.com"), middle)),
        "for a foreign name as well": (LISTED, (forged(middle, LISTED, "evil.example"), middle)),
        "for an address": ("127.0.0.1", (forged(middle, "127.0.0.1"), middle)),
        "with a common name only": ("evil.example", (forged(middle, common="evil.example"), middle)),
        "expired": (LISTED, (forged(middle, LISTED, end=NOW - DAY), middle)),
        "for clients": (LISTED, (forged(middle, LISTED, usage=CLIENTS_ONLY), middle)),
        "of an authority below": (LISTED, (forged(below, LISTED), below, middle)),
        "foreign, of an authority below": ("evil.example", (forged(below, "evil.example"), below, middle)),
        "signed by our leaf": (LISTED, (forged(ours, LISTED), ours, middle)),
        "foreign, signed by our leaf": ("evil.example", (forged(ours, "evil.example"), ours, middle)),
    }


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sites]]:
    """A file with the roots that a client shall trust, and a server for each kind of certificate."""
    folder = tmp_path_factory.mktemp("sites")
    roots, kinds = chains()
    (folder / "roots.pem").write_bytes(roots)
    with contextlib.ExitStack() as stack:

        def site(host: str, shown: Chain) -> str:
            file = folder / "site.pem"
            key = shown[0].key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            file.write_bytes(key + b"".join(pem(identity.certificate) for identity in shown))
            return f"{host}:{stack.enter_context(Upstream(tls=file)).port}"

        yield folder / "roots.pem", {kind: site(*what) for kind, what in kinds.items()}


def curl(roots: Path, sites: Sequence[str]) -> list[str]:
    def verdict(site: str) -> str:
        to = f"{site}:127.0.0.1:{site.rpartition(':')[2]}"
        url = f"https://{site}/v1/models"
        ended = run("curl", "-sS", "--cacert", str(roots), "--connect-to", to, url)
        return "accepted" if ended.returncode == 0 else f"refused {ended.stderr}"

    return [verdict(site) for site in sites]


def openssl(roots: Path, sites: Sequence[str]) -> list[str]:
    def verdict(site: str) -> str:
        host, _, port = site.rpartition(":")
        expected = ["-verify_ip" if host[0].isdigit() else "-verify_hostname", host]
        strict = ["-verify_return_error", "-x509_strict", "-CAfile", str(roots)]
        ended = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *expected, *strict)
        return "accepted" if ended.returncode == 0 else f"refused {ended.stderr}"

    return [verdict(site) for site in sites]


def python(executable: str) -> Client:
    return lambda roots, sites: run(
        executable, str(HERE / "client.py"), str(roots), *sites
    ).stdout.splitlines()


def node(roots: Path, sites: Sequence[str]) -> list[str]:
    return run("node", str(HERE / "client.mjs"), *sites, NODE_EXTRA_CA_CERTS=str(roots)).stdout.splitlines()


def java(roots: Path, sites: Sequence[str]) -> list[str]:
    return run("java", str(HERE / "Client.java"), str(roots), *sites).stdout.splitlines()


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **environment}
    return subprocess.run(command, env=settings, input="", capture_output=True, text=True, timeout=60)


CLIENTS: dict[str, Client] = {
    "curl": curl,
    "openssl": openssl,
    "node": node,
    "java": java,
    "python3.12": python("python3.12"),
    sys.executable: python(sys.executable),
}


def skip_without(program: str) -> None:
    option = {"openssl": "version", "java": "-version"}.get(program, "--version")
    if shutil.which(program) is None or run(program, option).returncode != 0:
        pytest.skip(f"{program} does not run here")


@pytest.mark.parametrize("program", CLIENTS, ids=lambda program: Path(program).name)
def test_a_client_accepts_the_listed_name_and_no_forgery(program: str, trusted: tuple[Path, Sites]) -> None:
    skip_without(program)
    roots, sites = trusted
    verdicts = dict(zip(sites, CLIENTS[program](roots, list(sites.values())), strict=True))
    accepted = {kind for kind, verdict in verdicts.items() if verdict == "accepted"}
    assert accepted == {"ours", "of another trusted authority"}, verdicts


def test_openssl_finds_the_chain_strictly_valid(tmp_path: Path) -> None:
    skip_without("openssl")
    root, files = chain.sealed([LISTED], now=NOW)
    (tmp_path / "root.pem").write_bytes(pem(root))
    (tmp_path / "leaf.pem").write_bytes(files[LISTED])
    strict = ["-x509_strict", "-check_ss_sig", "-purpose", "sslserver", "-verify_hostname", LISTED]
    given = ["-CAfile", str(tmp_path / "root.pem"), "-untrusted", str(tmp_path / "leaf.pem")]
    ended = run("openssl", "verify", *strict, *given, str(tmp_path / "leaf.pem"))
    assert ended.returncode == 0, ended.stderr


def test_each_certificate_may_do_its_own_part_only() -> None:
    """Where one rule alone would do, we have two, and no client shows that one of them is gone."""
    root = make_root([LISTED], now=NOW)
    middle = make_intermediate(root)
    leaf = make_leaf(middle, LISTED)
    constraints = extension(root, x509.NameConstraints)
    assert rules(root) == [x509.BasicConstraints(ca=True, path_length=1), None, constraints]
    assert rules(middle) == [x509.BasicConstraints(ca=True, path_length=0), SERVERS, constraints]
    assert rules(leaf) == [x509.BasicConstraints(ca=False, path_length=None), SERVERS, None]
    assert [allowed(identity) for identity in (root, middle, leaf)] == [(True, False)] * 2 + [(False, True)]


def rules(identity: Identity) -> list[x509.ExtensionType | None]:
    kinds = (x509.BasicConstraints, x509.ExtendedKeyUsage, x509.NameConstraints)
    return [extension(identity, kind) for kind in kinds]


def extension(identity: Identity, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    found = (one.value for one in identity.certificate.extensions)
    return next((value for value in found if isinstance(value, kind)), None)


def allowed(identity: Identity) -> tuple[bool, bool]:
    """What the key may sign: certificates, handshakes."""
    usage = identity.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not usage.crl_sign
    return usage.key_cert_sign, usage.digital_signature


def test_all_of_a_chain_ends_together_within_apples_825_days() -> None:
    root = make_root([LISTED], now=NOW)
    middle = make_intermediate(root)
    leaf = make_leaf(middle, LISTED)
    ends = {identity.certificate.not_valid_after_utc for identity in (root, middle, leaf)}
    assert len(ends) == 1
    assert ends.pop() - root.certificate.not_valid_before_utc <= 825 * DAY


def test_two_roots_never_have_the_same_name() -> None:
    names = {make_root([LISTED], now=NOW).certificate.subject for _ in range(5)}
    assert len(names) == 5


def test_a_long_user_name_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "名" * 80)
    middle = make_intermediate(make_root([LISTED], now=NOW)).certificate
    assert "名" in chain.common_name(middle)
    assert len(chain.common_name(middle).encode()) <= 64


def test_a_name_longer_than_a_common_name_gets_a_leaf() -> None:
    host = ".".join(["a" * 60] * 3) + ".example"
    leaf = make_leaf(make_intermediate(make_root([host], now=NOW)), host).certificate
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]
