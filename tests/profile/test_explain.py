"""How each message reads is in tests/golden/profiles; here is what holds for all of them."""

from pathlib import Path

from idetour.profile.explain import validate, written_out
from idetour.profile.schema import CatalogFile, ProfileFile
from idetour.profile.source import Source


def source(tmp_path: Path, text: str) -> Source:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    return Source(path)


def test_a_good_file_has_no_problems_and_is_written_out(tmp_path: Path) -> None:
    spec, problems = validate(source(tmp_path, "models: { a: nim/b }\nroutes: { c: a }"), ProfileFile)

    assert problems == []
    assert spec is not None
    assert written_out(spec) == {"models": {"a": {"to": "nim/b"}}, "routes": {"c": [{"use": {"a": 1}}]}}


def test_words_are_looked_up_at_any_depth(tmp_path: Path) -> None:
    text = "upstreams: {}\nhosts: []\nmodels:\n  nim:\n    x: { title: X, thinking: { of: {} } }\n"

    _, [problem] = validate(source(tmp_path, text), CatalogFile)

    assert problem.message == "'of' is not a word of thinking"
    assert problem.hint == "did you mean 'off'?"


def test_no_message_comes_from_pydantic(tmp_path: Path) -> None:
    text = """
        upstreams: { a: 5, b: [x], c: { url: [x], key: {x: y}, clamp: { x: 3, y: [1], z: [2, 1] }, headers: { x: [y] } } }
        models: [a]
        routes: { a: 5, b: [5], c: { use: 5 }, d: { use: [[a]] }, e: { use: a, else: { x: y } } }
        hosts: { a: b }
    """

    _, problems = validate(source(tmp_path, text), ProfileFile)

    assert len(problems) == 12
    assert [str(problem) for problem in problems if "nput should" in problem.message] == []
