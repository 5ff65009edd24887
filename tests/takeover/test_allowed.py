import pytest

from idetour.errors import SetupError
from idetour.takeover.allowed import OFF_LIMITS, allowed

PROFILE = ("api.openai.com", "openrouter.ai")


def test_without_a_choice_it_is_all_that_the_profile_answers_for() -> None:
    assert allowed((), PROFILE) == PROFILE


def test_a_choice_is_taken_in_any_spelling_and_once() -> None:
    assert allowed(("OpenRouter.AI", "openrouter.ai."), PROFILE) == ("openrouter.ai",)


@pytest.mark.parametrize("own", OFF_LIMITS)
def test_no_server_of_an_ide_is_taken_even_where_a_profile_names_it(own: str) -> None:
    for host in (own, f"api-sg.{own.upper()}", f"{own}."):
        with pytest.raises(SetupError, match="belongs to an IDE itself"):
            allowed((host,), (*PROFILE, host))
        with pytest.raises(SetupError, match="belongs to an IDE itself"):
            allowed((), (*PROFILE, host))


def test_a_name_that_only_looks_alike_is_another_matter() -> None:
    assert allowed((), ("notcursor.sh", "trae.ai.example")) == ("notcursor.sh", "trae.ai.example")


def test_a_host_without_an_answer_is_refused_with_the_remedy() -> None:
    with pytest.raises(SetupError, match=r"Add it to `hosts:` of the profile"):
        allowed(("api.deepseek.com",), PROFILE)
