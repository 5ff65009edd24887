import pytest

from idetour.routes import client
from routes.asking import asks


def test_a_part_of_the_user_agent_is_enough() -> None:
    asked = asks("a", headers={"user-agent": "OpenAI/JS 4.1 Trae/3.5"})

    assert client.judge(["cursor", "trae"], asked).why == "'trae' is in the user agent"
    assert not client.judge(["zed"], asked).holds


@pytest.mark.parametrize("said", ["…1234", "1234"])
def test_the_access_key_is_known_by_its_last_four(said: str) -> None:
    assert client.judge([said], asks("a", access="…1234")).holds
    assert not client.judge([said], asks("a", access="…4321")).holds
    assert not client.judge([said], asks("a")).holds
