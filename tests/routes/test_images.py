import pytest

from idetour.routes import images
from routes.asking import IMAGE, asks

SHOWN = {"role": "user", "content": [{"type": "text", "text": "这是什么"}, IMAGE]}


@pytest.mark.parametrize("said", [True, False])
def test_a_picture_anywhere_counts(said: bool) -> None:
    assert images.judge(said, asks(SHOWN, {"role": "assistant", "content": "a cat"}, "thanks")).holds is said
    assert images.judge(said, asks("what is an image_url?")).holds is not said
