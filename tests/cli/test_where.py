"""The places that matter."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from idetour.gateway import logs
from idetour.home import folder, shipped


def test_every_place_is_named_and_the_script_exists(idetour: Callable[..., Result], home: Path) -> None:
    shown = idetour("where").stdout

    assert f"{home / 'profiles'} (yours), {shipped('profiles')} (shipped)" in shown
    assert str(home / "certs") in shown
    assert f"{home / '.env'} (yours to write)" in shown
    assert str(folder("state") / "logs" / logs.FILE) in shown
    assert f"mitmdump -s {shipped('addon.py')}" in shown
    assert shipped("addon.py").is_file()


def test_looking_makes_nothing(idetour: Callable[..., Result], home: Path) -> None:
    idetour("where")

    assert not home.exists()
