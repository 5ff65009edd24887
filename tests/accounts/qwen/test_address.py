"""Where a login's requests go."""

import pytest

from idetour.accounts.qwen.address import address, written_out

PORTAL = "https://portal.qwen.ai/v1"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("portal.qwen.ai", PORTAL),
        ("https://x/", "https://x/v1"),
        ("http://x/v1", "http://x/v1"),
        (" https://portal.qwen.ai/v1/ ", PORTAL),
        (
            "https://dashscope.aliyuncs.com/compatible-mode",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
    ],
)
def test_a_resource_url_is_written_out(said: str, url: str) -> None:
    assert written_out(said) == url


@pytest.mark.parametrize(
    "said",
    [
        "portal.qwen.ai",
        "dashscope.aliyuncs.com/compatible-mode/v1",
        "dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "coding-intl.dashscope.aliyuncs.com",
        "cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
        "https://ws-1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
        "https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
    ],
)
def test_qwens_own_hosts_are_taken(said: str) -> None:
    assert address(said, PORTAL) == written_out(said)


@pytest.mark.parametrize(
    "said",
    [
        "evil.example",
        "http://portal.qwen.ai/v1",  # for others to read
        "https://portal.qwen.ai.evil.example/v1",
        "https://portal.qwen.ai@evil.example/v1",
        "https://evil.example#portal.qwen.ai/v1",
        "https://evil.example/?portal.qwen.ai/v1",
        "https://portal.qwen.ai:8443/v1",
        "https://mine.oss-cn-beijing.aliyuncs.com/v1",  # a customer's bucket
        "https://portal.qwen.ai\\@evil.example/v1",
        "http://127.0.0.1:1/v1",
    ],
)
def test_a_token_goes_to_nobody_else(said: str) -> None:
    with pytest.raises(ValueError):
        address(said, PORTAL)


def test_the_profile_may_name_another_place() -> None:
    own = "http://127.0.0.1:9999/v1"
    assert address(own, own) == own
    assert address("http://127.0.0.1:9999", own) == own
    assert address("", own) == own
