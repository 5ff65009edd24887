from functools import partial

import pytest

from idetour.wire import chat
from idetour.wire.responses_up import write
from wire.up_golden import each, written


@each("responses_up", "requests")
def test_a_request_becomes_what_the_golden_case_says(given: str, wanted: str) -> None:
    assert written(given, partial(write, sealed=False)) == wanted


@pytest.mark.parametrize(
    ("more", "included"),
    [
        ('"n":1', b'["reasoning.encrypted_content"]'),
        ('"logprobs":true', b'["message.output_text.logprobs","reasoning.encrypted_content"]'),
    ],
)
def test_who_can_seal_its_reasoning_is_asked_to(more: str, included: bytes) -> None:
    body = f'{{"model":"m","messages":[{{"role":"user","content":"Hi"}}],{more}}}'
    assert bytes(write(chat.body_members(body.encode()), sealed=True)["include"]) == included
