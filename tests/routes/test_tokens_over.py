from idetour.routes import tokens_over
from routes.asking import IMAGE, asks


def test_a_request_is_over_what_it_exceeds() -> None:
    asked = asks("word " * 1000)

    assert tokens_over.judge(800, asked).holds
    assert not tokens_over.judge(1000, asked).holds


def test_what_has_fewer_bytes_is_not_counted() -> None:
    asked = asks("重构" * 100)

    assert tokens_over.judge(2000, asked).why.endswith("bytes cannot be more tokens")
    assert "tokens" not in asked.__dict__


def test_a_picture_weighs_more_than_its_address() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.y/z.png"}}

    assert tokens_over.judge(200, asks({"role": "user", "content": [picture]})).holds
    assert not tokens_over.judge(1000, asks({"role": "user", "content": [IMAGE]})).holds
