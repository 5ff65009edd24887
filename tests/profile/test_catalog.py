from pathlib import Path

import pytest

from idetour.home import in_checkout, shipped
from idetour.profile import Catalog, Target
from idetour.profile.catalog import load
from idetour.profile.problem import ProfileError
from idetour.upstreams.demo import MODELS

SEEDS = [
    "nvidia/llama-3.3-nemotron-super-49b-v1",
    "nvidia/llama-3.3-nemotron-super-49b-v1.5",
    "nvidia/nvidia-nemotron-nano-9b-v2",
    "qwen/qwen3-next-80b-a3b-instruct",
    "deepseek-ai/deepseek-v3.1",
    "openai/gpt-oss-120b",
    "qwen/qwen3-coder-480b-a35b-instruct",
    "deepseek-ai/deepseek-r1-0528",
    "moonshotai/kimi-k2-instruct",
]


@pytest.mark.skipif(not in_checkout(), reason="the catalog of an installed copy is tested where it is built")
def test_the_fast_way_reads_the_shipped_file_as_the_checked_way_does() -> None:
    assert load(env={}) == load(shipped("profiles") / "catalog.yaml", env={})


def test_a_catalog_of_ones_own_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text("upstreams: { a: { ulr: x } }\nmodels: {}\nhosts: []\n")

    with pytest.raises(ProfileError, match="did you mean 'url'"):
        load(path)


def test_images_is_yes_or_no(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text("upstreams: {}\nmodels: { a: { b: { title: B, images: some } } }\nhosts: []\n")

    with pytest.raises(ProfileError, match="true or false"):
        load(path)


def test_keys_are_those_of_the_environment_that_is_asked() -> None:
    ready = {
        name for name, upstream in load(env={"DASHSCOPE_KEY": "sk-x"}).upstreams.items() if upstream.ready
    }

    assert {"dashscope", "dashscope-intl", "dashscope-us", "ollama", "demo"} <= ready
    assert ready.isdisjoint({"nim", "openai", "anthropic", "qwen"})


@pytest.mark.parametrize("model", SEEDS)
def test_the_models_people_ask_for_have_parameters(catalog: Catalog, model: str) -> None:
    known = catalog.models[Target("nim", model)]

    assert known.defaults["temperature"] >= 0
    assert known.defaults["max_tokens"] >= 4096
    assert known.context


def test_every_model_belongs_to_an_upstream(catalog: Catalog) -> None:
    assert {target.upstream for target in catalog.models} <= set(catalog.upstreams)


def test_what_replaces_a_retired_model_is_known_and_alive(catalog: Catalog) -> None:
    for known in catalog.models.values():
        assert bool(known.retired) == bool(known.instead)
        assert known.instead is None or catalog.models[known.instead].retired is None


def test_no_default_is_one_that_is_dropped_or_not_accepted(catalog: Catalog) -> None:
    for known in catalog.models.values():
        manners = known.manners.over(catalog.upstreams[known.target.upstream].manners)
        sent = set(known.defaults) | {field for fields in thoughts(known) for field in fields}

        assert sent.isdisjoint(manners.drop), known.target
        assert manners.accepts is None or sent <= manners.accepts, known.target


def test_no_default_is_beyond_a_limit(catalog: Catalog) -> None:
    for known in catalog.models.values():
        asked = known.defaults.get("max_tokens", 1)
        low, high = known.manners.clamp.get("max_tokens", (1, asked))

        assert low <= asked <= min(high, known.output or high), known.target


@pytest.mark.parametrize(
    ("target", "images"),
    [
        ("anthropic/claude-haiku-4-5", True),
        ("openai/gpt-6.1-sol", True),
        ("openrouter/openai/gpt-oss-120b", False),
        ("nim/moonshotai/kimi-k2-thinking", False),
        ("nim/moonshotai/kimi-k2.5", True),
        ("dashscope-intl/qwen3-vl-plus", True),
        ("dashscope-coding/qwen3-max-2026-01-23", False),
        ("nim/poolside/laguna-xs-2.1", None),
    ],
)
def test_who_sees_images_is_known_of_each_and_not_of_its_neighbour(
    catalog: Catalog, target: str, images: bool | None
) -> None:
    assert catalog.models[Target.parse(target)].images is images


def test_every_effort_is_known_where_thinking_can_be_switched(catalog: Catalog) -> None:
    for known in catalog.models.values():
        if known.thinking:
            told = set(known.thinking.efforts) | set(known.thinking.system)
            assert {"low", "medium", "high", "max"} <= told, known.target


def test_no_placeholder_is_left(catalog: Catalog) -> None:
    assert "$" not in "".join(str(list(thoughts(known))) for known in catalog.models.values())


def test_the_scripted_model_says_that_it_is_no_ai(catalog: Catalog) -> None:
    demos = [known for known in catalog.models.values() if known.target.upstream == "demo"]

    assert {known.target.model for known in demos} == set(MODELS)
    assert all("no AI" in known.title for known in demos)


def test_only_servers_on_this_machine_are_local(catalog: Catalog) -> None:
    for upstream in catalog.upstreams.values():
        assert upstream.local == upstream.url.startswith("http://127.0.0.1:"), upstream.name


def test_every_host_stands_once(catalog: Catalog) -> None:
    assert len(set(catalog.hosts)) == len(catalog.hosts)
    assert "api.openai.com" in catalog.hosts


def thoughts(known: object) -> list[dict[str, object]]:
    thinking = getattr(known, "thinking", None)
    return list(thinking.efforts.values()) if thinking else []
