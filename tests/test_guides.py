"""What the docs show is so: links lead somewhere, commands and paths exist, what is to be copied can be parsed.

No prose is tested. Generated pages are left to what generates them.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit

import click
import pytest
import yaml

from idetour.cli import main
from idetour.doctor.ides import IDES as KNOWN
from idetour.endpoints.places import METHODS, MODELS, tidy

ROOT = Path(__file__).parent.parent
IDES = ROOT / "docs" / "ides"
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("certs/*.md")])
WRITTEN = [page for page in PAGES if page.name != "commands.md"]  # that one is generated from the commands
GUIDES = sorted(page for page in IDES.glob("*.md") if not page.name.endswith(".zh-CN.md"))

# Paths that the docs name because tools ask for them in vain. Once one is served, its guides have to say so.
NOT_SERVED: set[str] = set()
# Commands that the docs name ahead of their time.
NOT_YET: set[str] = set()

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?<![\w./-])(?:idetour|python3 tools/start\.py(?! test)) (?P<words>[^|;>)]+)")
NEXT = re.compile(r"\s+(?:#|&&)\s.*")  # a comment, or the next command
VARIABLE = re.compile(r"\bIDETOUR_[A-Z_]+\b")
OURS = re.compile(r"https?://(?:127\.0\.0\.1|localhost)(?::8080)(/[^\s`\"')，。?]*)?")
PATH = re.compile(r"(?:GET |HEAD |POST )?(/v1/[\w/-]+)")
PARSERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
}


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found.groups()) for found in FENCE.finditer(page.read_text("utf-8"))]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def spans(page: Path) -> list[str]:
    """What stands between backticks in a line."""
    return SPAN.findall(prose(page))


def typed(page: Path) -> Iterator[str]:
    """The lines that a reader would type: of `console` blocks those after a prompt, of `sh` blocks all."""
    for language, text in blocks(page):
        for line in text.splitlines():
            if language == "console" and line.startswith("$ "):
                yield line.removeprefix("$ ")
            elif language in ("sh", "bash"):
                yield line


def commands(page: Path) -> Iterator[str]:
    """The words after `idetour` of each command line shown."""
    for line in [*typed(page), *spans(page)]:
        for found in COMMAND.finditer(NEXT.sub("", line)):
            yield found["words"].strip()


def mistake(words: str) -> str | None:
    """What click would say to a command line; nothing is run."""
    command: click.Command = main
    arguments = shlex.split(words)
    context = click.Context(main, info_name="idetour")
    try:
        while isinstance(command, click.Group) and arguments:
            if arguments[0] in ("--help", "-h", "--version", "-V"):
                return None
            _, found, arguments = command.resolve_command(context, arguments)
            assert found is not None
            command = found
            if not isinstance(command, click.Group):
                command.make_context(command.name, arguments, parent=context)
    except click.exceptions.Exit:  # --help
        return None
    except click.ClickException as error:
        said = error.format_message()
        return None if said.endswith("does not exist.") else said  # the reader's own file
    return None


def anchors(page: Path) -> set[str]:
    """The names by which GitHub links to the headings: lower case, blanks as hyphens, other signs gone."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def translated(page: Path) -> Path:
    return page.with_name(page.name.replace(".md", ".zh-CN.md"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        if urlsplit(link).scheme:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    shown = set(commands(page)) - NOT_YET

    assert {words: said for words in shown if (said := mistake(words))} == {}


def test_commands_are_found_where_they_are_shown() -> None:
    """So that a pattern which finds nothing does not pass for docs without mistakes."""
    found = {words for page in WRITTEN for words in commands(page)}

    assert {
        'ask -m openai/gpt-oss-20b "Explain this stack trace: …"',
        "cert path",
        "run mine",
    } - found == set()


@pytest.mark.parametrize("words", ["rum", "run --prot 1", "takeover on host", "cert install --store", "ask"])
def test_a_command_that_does_not_exist_is_noticed(words: str) -> None:
    assert mistake(words) is not None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_variable_of_ours_exists(page: Path) -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "addons").rglob("*.py"))
    known = {*VARIABLE.findall(code), *VARIABLE.findall((ROOT / "profiles/catalog.yaml").read_text("utf-8"))}

    assert set(VARIABLE.findall(page.read_text("utf-8"))) - known == set()


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_path_shown_is_served(page: Path) -> None:
    urls = [urldefrag(found).url or "/" for found in OURS.findall(page.read_text("utf-8"))]
    paths = [found[1] for span in spans(page) if (found := PATH.fullmatch(span))]
    bases = {"/v1", "/v1/v1"}  # what is typed as base URL, by mistake too

    assert {path for path in {*map(tidy, urls), *paths} if not served(path)} - bases - NOT_SERVED == set()


def served(path: str) -> bool:
    return path in METHODS or path.startswith(f"{MODELS}/")


def test_no_exception_outlives_its_cause() -> None:
    assert {path for path in NOT_SERVED if served(path)} == set()
    assert NOT_YET & set(main.commands) == set()


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_a_guide_stands_in_both_languages_with_the_same_blocks(page: Path) -> None:
    assert blocks(translated(page)) == blocks(page)


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_the_two_languages_of_a_guide_lead_to_each_other(page: Path) -> None:
    other = translated(page)

    assert other.name in LINK.findall(prose(page))
    assert page.name in LINK.findall(prose(other))


def test_no_guide_has_lost_its_original() -> None:
    assert {page.name for page in IDES.glob("*.zh-CN.md")} == {translated(page).name for page in GUIDES}


@pytest.mark.parametrize("index", ["README.md", "README.zh-CN.md"])
def test_the_index_lists_every_guide(index: str) -> None:
    ending = index.removeprefix("README")
    guides = {page.name.replace(".md", ending) for page in GUIDES if page.name != "README.md"}

    assert guides - set(LINK.findall(prose(IDES / index))) == set()


def test_every_ide_that_the_doctor_knows_has_its_guide() -> None:
    assert {page.stem for page in GUIDES} == {*KNOWN, "README"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_to_be_copied_can_be_parsed(page: Path) -> None:
    for language, text in blocks(page):
        if parse := PARSERS.get(language):
            parse(text)
