import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idetour.errors import SetupError
from idetour.home import in_checkout
from idetour.profile import Catalog, Profile, Rule, Target
from idetour.profile.read import NO_PROFILES, ProfileError, available, find, read

Read = Callable[..., Profile]

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden" / "profiles").glob("*.txt"))
SHIPPED = sorted(path for path in (ROOT / "profiles").glob("*.yaml") if path.name not in NO_PROFILES)
WHOLE = (ROOT / "profiles" / "team.yaml").read_text("utf-8")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda path: path.stem)
def test_a_broken_profile_is_explained(case: Path, tmp_path: Path, profile: Read) -> None:
    text, _, expected = case.read_text("utf-8").partition("-" * 40 + "\n")

    with pytest.raises(ProfileError) as error:
        profile(text)

    assert f"{error.value}\n".replace(f"{tmp_path}{os.sep}", "") == expected


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_profile_needs_nothing_and_warns_of_nothing(path: Path, catalog: Catalog) -> None:
    assert read(path, catalog=catalog, env={"TEAM_KEYS": "a,b"}).warnings == ()


def test_the_team_profile_says_all_that_the_language_can(catalog: Catalog) -> None:
    team = read(ROOT / "profiles" / "team.yaml", catalog=catalog, env={"TEAM_KEYS": "a,b", "HOUSE_KEY": "c"})

    assert team.name == "team"
    assert len(team.access) == 2
    assert team.upstreams["house"].ready
    assert team.models["coder"].target == Target("dashscope", "qwen3-coder-plus")
    assert team.routes["gpt-4o"] == (
        Rule(use={"coder": 3, "thinker": 1}, otherwise=("house", "openrouter/openai/gpt-oss-120b")),
    )
    assert team.hosts == ("api.openai.com", "openrouter.ai")


def test_the_smallest_profile_has_every_upstream_and_the_usual_host(profile: Read) -> None:
    smallest = profile("models: { gpt-4o: nim/openai/gpt-oss-20b }")

    assert smallest.upstreams == smallest.catalog.upstreams
    assert smallest.known(Target("nim", "openai/gpt-oss-20b"))
    assert (smallest.hosts, smallest.passthrough, smallest.offer) == (("api.openai.com",), False, "declared")


@pytest.mark.parametrize(
    ("env", "target"),
    [
        ({"UPSTREAM_SERVICE": "dashscope"}, "dashscope/qwen3-max"),
        ({"DEFAULT_MODEL": "qwen3-coder-plus"}, "dashscope/qwen3-coder-plus"),
        ({"UPSTREAM_SERVICE": "nim", "DEFAULT_MODEL": "openai/gpt-oss-20b"}, "nim/openai/gpt-oss-20b"),
    ],
)
def test_the_environment_may_name_the_default(profile: Read, env: dict[str, str], target: str) -> None:
    assert profile("offer: available", **env).routes == {"default": (Rule(use={target: 1}),)}


def test_the_profiles_own_default_wins_over_the_environment(profile: Read) -> None:
    assert profile("models: { default: nim/a }", UPSTREAM_SERVICE="nonsense").routes == {}


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"UPSTREAM_SERVICE": "dashscop"}, "UPSTREAM_SERVICE: no upstream is called 'dashscop'"),
        ({"UPSTREAM_SERVICE": "nim"}, "set DEFAULT_MODEL too"),
        ({"DEFAULT_MODEL": "two words"}, "DEFAULT_MODEL is no model id"),
    ],
)
def test_a_bad_default_names_its_variable(profile: Read, env: dict[str, str], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        profile("offer: available", **env)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, len(WHOLE)),
    length=st.integers(0, 30),
    put=st.text(max_size=8)
    | st.sampled_from(["\t", ": ", "- ", "{", "]", "&a ", "*a", "!!x ", "<<: ", "\n", "'"]),
)
def test_a_mangled_profile_is_read_or_explained(
    tmp_path: Path, catalog: Catalog, cut: int, length: int, put: str
) -> None:
    path = tmp_path / "mangled.yaml"
    path.write_bytes((WHOLE[:cut] + put + WHOLE[cut + length :]).encode("utf-8", "surrogatepass"))

    _read_or_explained(path, catalog)


_plain = st.recursive(
    st.sampled_from(["nim/a", "x", "~", "1", "-1", "$A", "true", "https://a.b/v1", "''", "demo:"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["to", "use", "else", "with", "when", "key", "url", "drop", "clamp", "a", "ca"]),
            inner,
            max_size=3,
        ).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}")
    ),
    max_leaves=8,
)
_words = ["upstreams", "models", "routes", "access", "hosts", "passthrough", "offer"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(_words), st.dictionaries(st.just("n"), _plain) | _plain))
def test_any_shape_is_read_or_explained(tmp_path: Path, catalog: Catalog, shape: dict[str, object]) -> None:
    lines = [
        f"{word}: {{ n: {said['n']} }}" if isinstance(said, dict) and said else f"{word}: {said}"
        for word, said in shape.items()
    ]
    path = tmp_path / "shape.yaml"
    path.write_text("\n".join(lines))

    _read_or_explained(path, catalog)


def _read_or_explained(path: Path, catalog: Catalog) -> None:
    """Fails on anything but a profile or a ProfileError that can be printed."""
    try:
        said = str(read(path, catalog=catalog, env={}))
    except ProfileError as error:
        said = str(error)
    assert said.encode("utf-8", "strict")


def test_a_path_is_found_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("offer: available")

    assert find(str(path)) == path


def test_a_users_profile_hides_a_shipped_one(home: Path) -> None:
    mine = home / "profiles" / "nim.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("offer: available")

    assert find("nim") == mine
    assert dict(available())["nim"] == mine


@pytest.mark.skipif(not in_checkout(), reason="needs the shipped profiles")
def test_without_a_name_the_default_is_found(home: Path) -> None:
    assert find(None).name == "default.yaml"
    assert [name for name, _ in available()] == sorted(path.stem for path in SHIPPED)


def test_the_environment_may_name_the_profile_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDETOUR_PROFILE", "nim")

    assert (find(None).stem, find("ollama").stem) == ("nim", "ollama")


def test_an_unknown_name_hears_the_nearest_and_the_places(home: Path) -> None:
    mine = home / "profiles" / "office.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("offer: available")

    with pytest.raises(SetupError, match="did you mean 'office'") as error:
        find("ofice")

    assert str(mine.parent) in str(error.value)


@pytest.mark.parametrize("name", NO_PROFILES)
def test_what_lies_beside_the_shipped_profiles_is_none(name: str, home: Path) -> None:
    assert (ROOT / "profiles" / name).is_file()
    assert Path(name).stem not in dict(available())
