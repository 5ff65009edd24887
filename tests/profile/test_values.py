from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from idetour.profile import values


def check(kind: Any, text: Any) -> Any:
    return TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "http://127.0.0.1:11434/v1",
        "http://localhost:1234/v1",
        "http://[::1]:8000/v1",
        "http://llm.localhost/v1",
        "http://192.168.1.20:11434/v1",
        "http://ollama:11434/v1",
        "http://host.docker.internal:11434/v1",
        "http://cellar.LOCAL/v1",
        "demo:",
    ],
)
def test_a_base_url_loses_its_trailing_slash_alone(url: str) -> None:
    assert check(values.Url, url) == url
    assert check(values.Url, url + "/") == url if url != "demo:" else True


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://2130706433/v1",
        "http://internal.example.com/v1",
        "https://a@b.c/v1",
        "https://b.c/v1#x",
        "https://b.c/v1?",
        "https://b.c/v 1",
        "https://b.c/v1\n",
        "https://b.c:x/v1",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        check(values.Url, url)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("https://Chat.example.com/", "https://chat.example.com"),
        ("http://192.168.0.3:3000", "http://192.168.0.3:3000"),
    ],
)
def test_an_origin_is_as_browsers_send_it(said: str, meant: str) -> None:
    assert check(values.Origin, said) == meant


@pytest.mark.parametrize("origin", ["*", "chat.example.com", "https://chat.example.com/app", "file://", ""])
def test_a_star_or_a_page_with_a_path_is_no_origin(origin: str) -> None:
    with pytest.raises(ValidationError):
        check(values.Origin, origin)


@pytest.mark.parametrize("name", ["llm.example.com", "workstation", "192.168.0.3"])
def test_a_name_may_be_any_but_has_no_port(name: str) -> None:
    assert check(values.Name, name) == name
    for wrong in (f"{name}:8080", f"https://{name}", f"*.{name}", f"{name}/v1"):
        with pytest.raises(ValidationError):
            check(values.Name, wrong)


@pytest.mark.parametrize("host", ["api.openai.com", "open.bigmodel.cn", "API.OpenAI.com"])
def test_a_host_is_a_public_name(host: str) -> None:
    assert check(values.Host, host) == host.lower()


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "a..b", "api.openai.com:443", "*.openai.com", "-a.com"]
)
def test_an_address_a_port_or_a_pattern_is_no_host(host: str) -> None:
    with pytest.raises(ValidationError):
        check(values.Host, host)


@pytest.mark.parametrize("key", ["$", "$1", "${A}", "", "Bearer sk-1", "schlüssel", "a\nb"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        check(values.Key, key)


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "x"), ("cookie", "x"), ("X-Api-Key", "x"), ("a", "x\r\nb: c")]
)
def test_a_header_carries_no_key_and_no_second_header(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        check(dict[values.HeaderName, values.HeaderValue], {name: value})


def test_a_whole_number_stays_whole() -> None:
    assert type(check(values.Number, 1)) is int


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        check(values.Number, value)


def test_a_lone_item_stands_for_a_list() -> None:
    assert check(values.Names, "a") == check(values.Names, ["a"]) == ["a"]
