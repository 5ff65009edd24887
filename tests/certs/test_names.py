import pytest

from idetour.certs.names import normalised
from idetour.errors import SetupError


def test_names_are_lower_case_ascii_without_a_last_dot_and_each_once() -> None:
    given = [" API.OpenAI.com. ", "api.openai.com", "例子.example"]
    assert normalised(given) == ("api.openai.com", "xn--fsqu00a.example")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "com",
        "localhost",
        "model.localhost",
        "127.0.0.1",
        "::1",
        "[::1]",
        "127.1",
        "*.openai.com",
        ".openai.com",
        "api..openai.com",
        "-api.openai.com",
        "api_.openai.com",
        "api.openai.com:443",
        "https://api.openai.com",
        "../api.openai.com",
        "api openai.com",
        "a" * 64 + ".example",
        "a." * 125 + "example",
        "faß.example",
        "例..example",
    ],
)
def test_what_is_no_public_host_is_refused_with_its_name(host: str) -> None:
    with pytest.raises(SetupError) as refused:
        normalised(["api.openai.com", host])
    assert host.lower().strip() in str(refused.value)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(SetupError, match="Name at least one"):
        normalised([])
