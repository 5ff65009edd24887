import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.profile import Profile
from idetour.profile.conditions import WORDS
from idetour.profile.schema import ModelSpec, ProfileFile, RuleSpec, UpstreamSpec, Words, json_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_json_schema_describes_every_word_of_the_top() -> None:
    words = json_schema()["properties"]

    assert list(words) == ProfileFile.known()
    assert all(word["description"] for word in words.values())


def test_the_json_schema_says_by_which_rules_it_is_written() -> None:
    assert json_schema()["$schema"].startswith("https://json-schema.org/")
    assert json.dumps(json_schema())


def test_the_json_schema_leads_nowhere_empty() -> None:
    schema = json_schema()

    assert {ref.removeprefix("#/$defs/") for ref in references(schema)} == set(schema["$defs"])


def test_the_json_schema_knows_the_short_forms() -> None:
    schema = json_schema()
    models, routes = (schema["properties"][word]["anyOf"][0] for word in ("models", "routes"))

    assert {"type": "string"} in models["additionalProperties"]["anyOf"]
    assert {"type": "string"} in routes["additionalProperties"]["anyOf"][0]["anyOf"]


def test_the_json_schema_bounds_the_temperature_and_leaves_other_fields_open() -> None:
    params = json_schema()["$defs"]["Params"]

    assert params["properties"]["temperature"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 2}
    assert params["additionalProperties"] is True


def test_each_word_of_the_table_is_a_word_of_when() -> None:
    assert set(json_schema()["$defs"]["When"].get("properties", {})) == set(WORDS)


def test_a_name_a_list_and_weights_say_the_same() -> None:
    by_name, by_list, by_weight = (
        RuleSpec.model_validate({"use": use}).use for use in ("a", ["a", "b", "a"], {"a": 2, "b": 1})
    )

    assert by_name == {"a": 1}
    assert by_list == by_weight


def test_a_word_with_nothing_behind_it_is_as_good_as_absent() -> None:
    assert ProfileFile.model_validate({"models": None}).models is None


@pytest.mark.parametrize("page", ["profiles.md", "profiles.zh-CN.md"])
@pytest.mark.parametrize(
    "words", [ProfileFile, UpstreamSpec, ModelSpec, RuleSpec], ids=lambda kind: kind.what
)
def test_the_page_on_profiles_tells_every_word(page: str, words: type[Words]) -> None:
    text = (DOCS / page).read_text("utf-8")

    assert [word for word in words.known() if f"| `{word}` |" not in text] == []


@pytest.mark.parametrize("page", ["profiles.md", "profiles.zh-CN.md"])
def test_every_profile_on_the_page_can_be_read(page: str, profile: Callable[..., Profile]) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    models = "models: { coder: demo/hello, thinker: demo/hello }\n"

    assert len(examples) == 5
    for text in examples:
        assert profile(text if "models:" in text else models + text).warnings == ()


def references(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"]} if "$ref" in schema else set()
        return own.union(*map(references, schema.values()))
    return set().union(*map(references, schema)) if isinstance(schema, list) else set()
