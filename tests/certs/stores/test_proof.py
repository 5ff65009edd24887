"""What a client's handshake with our listener proves, and what proves nothing."""

import shutil

import pytest

from idetour.certs import Authority, ensure
from idetour.certs.stores.proof import UNPROVED, Client, accepts, listed, listening, verdict

HOST = "api.openai.com"
curl = shutil.which("curl")
needs_curl = pytest.mark.skipif(curl is None, reason="curl is not on this machine")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return ensure(tmp_path_factory.mktemp("proof") / "certs", [HOST])


def asking(name: str, *more: str, program: str | None = curl) -> Client:
    return Client(
        name=name,
        program=program,
        arguments=lambda host, port: (
            *("-q", "-sS", "--noproxy", "*", *more),
            *("--connect-to", f"{host}:443:127.0.0.1:{port}", f"https://{host}/"),
        ),
    )


@needs_curl
def test_a_client_that_trusts_is_proof(authority: Authority) -> None:
    trusting = asking("curl", "--cacert", str(authority.root))
    assert verdict(authority, [trusting]).trusted is True
    assert verdict(authority, [trusting]).how == "proved by curl"


@needs_curl
def test_one_client_that_refuses_is_enough_to_say_no(authority: Authority) -> None:
    clients = [asking("good", "--cacert", str(authority.root)), asking("bad"), asking("worse")]
    assert verdict(authority, clients).trusted is False
    assert verdict(authority, clients).how == "refused by bad and worse"


@needs_curl
def test_a_name_that_is_not_on_the_certificate_is_refused(authority: Authority) -> None:
    with listening(authority) as listener:
        trusting = asking("curl", "--cacert", str(authority.root))
        assert accepts(trusting, "evil.example", listener) is False


def test_a_client_that_is_absent_or_never_comes_proves_nothing(authority: Authority) -> None:
    absent = asking("absent", program=None)
    other = Client(name="true", program=shutil.which("true"), arguments=lambda host, port: ())
    assert verdict(authority, [absent, other]) == UNPROVED


@needs_curl
def test_a_clients_settings_in_the_environment_do_not_deceive(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would have it trust our file, or ask a proxy, instead of the store that is asked about."""
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority.root))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
    assert verdict(authority, [asking("curl")]).trusted is False
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert verdict(authority, [asking("curl", "--cacert", str(authority.root))]).trusted is True


@needs_curl
def test_a_client_can_come_through_a_proxy(authority: Authority) -> None:
    client = Client(
        name="curl",
        program=curl,
        arguments=lambda host, port: (
            *("-q", "-sS", "--cacert", str(authority.root)),
            *("--proxy", f"http://127.0.0.1:{port}", f"https://{host}/"),
        ),
    )
    assert verdict(authority, [client]).trusted is True


def test_names_are_listed_as_one_says_them() -> None:
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
