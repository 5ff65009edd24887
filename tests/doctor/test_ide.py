from collections.abc import Callable

from idetour.doctor import IDES, ide


def test_an_ide_whose_servers_ask_cannot_be_led_here(look: Callable[..., list[tuple[str, str]]]) -> None:
    [(state, text)] = look(ide.HOP, ide=IDES["cursor"])

    assert state == "broken"
    assert text.startswith("Cursor: its maker's servers ask the model")


def test_a_local_ide_is_told_its_base_url(look: Callable[..., list[tuple[str, str]]]) -> None:
    [(state, text)] = look(ide.HOP, ide=IDES["trae"], port=18080)

    assert state == "ok"
    assert "http://127.0.0.1:18080/v1" in text


def test_without_an_ide_there_is_nothing_to_say(look: Callable[..., list[tuple[str, str]]]) -> None:
    assert look(ide.HOP) == []
