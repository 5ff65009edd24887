"""Profiles are listed, shown, made and edited; what came with the product stays as it came."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from idetour.home import shipped

type Idetour = Callable[..., Result]


def test_the_shipped_profiles_are_listed(idetour: Idetour) -> None:
    names = [line.split()[0] for line in idetour("profile", "list").stdout.splitlines()]

    assert names == sorted(names)
    assert {"default", "nim"} <= set(names)
    assert "catalog" not in names


def test_a_profile_is_shown_byte_for_byte(idetour: Idetour) -> None:
    default = shipped("profiles") / "default.yaml"

    assert idetour("profile", "show").stdout == default.read_text("utf-8")
    assert idetour("profile", "path").stdout == f"{default}\n"
    assert idetour("profile", "path", default).stdout == f"{default}\n"


def test_a_new_profile_works_at_once_and_has_a_schema_beside_it(idetour: Idetour, home: Path) -> None:
    made = Path(idetour("profile", "new", "mine").stdout.strip())

    assert made == home / "profiles" / "mine.yaml"
    assert idetour("check", "mine").exit_code == 0
    schema = made.with_name("profile.schema.json")
    assert f"$schema={schema.name}" in made.read_text("utf-8")
    assert schema.read_text("utf-8") == idetour("profile", "schema").stdout.removesuffix("\n")
    assert "models" in json.loads(schema.read_text("utf-8"))["properties"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_new_profile_is_closed_to_others(idetour: Idetour) -> None:
    made = Path(idetour("profile", "new", "mine").stdout.strip())

    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700


def test_a_copy_has_the_originals_text_and_hides_it(idetour: Idetour) -> None:
    made = Path(idetour("profile", "new", "team", "--from", "team").stdout.strip())

    assert made.read_text("utf-8") == (shipped("profiles") / "team.yaml").read_text("utf-8")
    assert idetour("profile", "path", "team").stdout == f"{made}\n"


def test_what_exists_is_not_written_over(idetour: Idetour) -> None:
    made = Path(idetour("profile", "new", "mine").stdout.strip())
    made.write_text("models: { m: demo/hello }", "utf-8")
    result = idetour("profile", "new", "mine", "--from", "nim")

    assert result.exit_code == 1
    assert "is there already: idetour profile edit mine" in result.stderr
    assert made.read_text("utf-8") == "models: { m: demo/hello }"


def test_a_copy_of_nothing_leaves_nothing_behind(idetour: Idetour, home: Path) -> None:
    assert idetour("profile", "new", "mine", "--from", "no-such").exit_code == 1
    assert not (home / "profiles" / "mine.yaml").exists()


@pytest.mark.parametrize("name", ["../evil", "a b", "", ".hidden", "catalog", "a/b"])
def test_a_name_that_makes_no_file_of_its_own_is_refused(idetour: Idetour, name: str) -> None:
    assert idetour("profile", "new", name).exit_code == 2


def test_what_came_with_the_product_is_not_edited(idetour: Idetour) -> None:
    result = idetour("profile", "edit", "nim", EDITOR="false")

    assert result.exit_code == 1
    assert "idetour profile new nim --from nim" in result.stderr


@pytest.mark.parametrize(("text", "code"), [("models: { m: demo/hello }", 0), ("models: { m: nowhere }", 1)])
def test_an_edited_profile_is_checked(idetour: Idetour, tmp_path: Path, text: str, code: int) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(f"import sys, pathlib; pathlib.Path(sys.argv[-1]).write_text({text!r})", "utf-8")
    made = idetour("profile", "new", "mine").stdout.strip()
    result = idetour("profile", "edit", "mine", EDITOR=shlex.join([sys.executable, str(editor)]))

    assert result.exit_code == code, result.output
    assert Path(made).read_text("utf-8") == text
    assert (f"{made}: fine" if code == 0 else f"{made}:1:14") in result.output
