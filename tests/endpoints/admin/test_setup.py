"""What the first steps are made of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from endpoints.admin.owning import TOKEN, got

if TYPE_CHECKING:
    from conftest import Serving


def test_keys_that_are_there_those_that_would_help_and_a_model_that_can_be_asked(
    served: Callable[..., "Serving"],
) -> None:
    said = got(served("offer: available", admin=TOKEN).port, "setup")

    assert (said["example"], said["access"], said["hosts"]) == ("m", None, ["api.openai.com"])
    assert said["keys"]["found"] == ["up"]
    assert "NVIDIA_API_KEY" in {each["variable"] for each in said["keys"]["lacking"]}


def test_whether_a_key_is_asked_for(served: Callable[..., "Serving"]) -> None:
    said = got(served("access: the-access-key-1", admin=TOKEN).port, "setup")

    assert said["access"]
    assert "the-access-key-1" not in str(said)
