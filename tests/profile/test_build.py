from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.profile import KnownModel, Manners, Model, Profile, Target, Thinking, Upstream, build, layered
from idetour.secret import Secret

Read = Callable[..., Profile]


def test_a_key_is_read_from_the_environment_without_its_newline(profile: Read) -> None:
    nim = profile("offer: available\nupstreams: { nim: { key: $MINE } }", MINE="nvapi-1\n").upstreams["nim"]

    assert (nim.keys, nim.key_names, nim.needs_key, nim.ready) == (
        (Secret("nvapi-1"),),
        ("MINE",),
        True,
        True,
    )


def test_an_empty_variable_is_no_key_but_its_name_is_kept(profile: Read) -> None:
    nim = profile("upstreams: { nim: { key: [$A, $B] } }", A="").upstreams["nim"]

    assert (nim.keys, nim.key_names, nim.ready) == ((), ("A", "B"), False)


def test_a_variable_may_hold_several_keys_and_none_counts_twice() -> None:
    keys, names = build.secrets(["$A", "$B", "literal"], {"A": "one, two,", "B": "two"})

    assert keys == (Secret("one"), Secret("two"), Secret("literal"))
    assert names == ("A", "B")


def test_the_clients_key_needs_no_key_of_ours(profile: Read) -> None:
    openai = profile("upstreams: { openai: { key: client } }").upstreams["openai"]

    assert (openai.client_key, openai.needs_key, openai.ready) == (True, False, True)


def test_a_known_upstream_changes_only_what_is_stated(profile: Read) -> None:
    read = profile("upstreams: { nim: { first_byte: 20, drop: [seed] } }")
    own, known = read.upstreams["nim"], read.catalog.upstreams["nim"]

    assert (own.url, own.title, own.key_names) == (known.url, known.title, known.key_names)
    assert own.manners == Manners(first_byte=20, drop=frozenset({"seed"})).over(known.manners)


def test_a_header_is_added_to_those_that_are_known(tmp_path: Path) -> None:
    known = build.upstream(
        "a", {"url": "https://a.b", "headers": {"x": "1", "y": "1"}}, env={}, folder=tmp_path
    )

    own = build.upstream("a", {"headers": {"y": "2"}}, env={}, base=known, folder=tmp_path)

    assert own.headers == {"x": "1", "y": "2"}


def test_an_upstream_named_alone_is_the_known_one(profile: Read) -> None:
    read = profile("upstreams:\n  nim:\n")

    assert read.upstreams["nim"] == read.catalog.upstreams["nim"]


def test_a_login_under_another_name_goes_where_the_known_one_goes(profile: Read) -> None:
    read = profile("upstreams: { mine: { login: qwen } }")

    assert read.upstreams["mine"].url == read.catalog.upstreams["qwen"].url
    assert read.upstreams["mine"].name == "mine"


def test_a_certificate_lies_beside_the_profile(profile: Read, tmp_path: Path) -> None:
    (tmp_path / "corp.pem").touch()

    corp = profile("upstreams: { corp: { url: https://llm.corp.example/v1/, ca: corp.pem } }").upstreams[
        "corp"
    ]

    assert (corp.ca, corp.url) == (tmp_path / "corp.pem", "https://llm.corp.example/v1")


def test_a_proxy_may_stand_in_the_environment(profile: Read) -> None:
    text = "upstreams: { openai: { proxy: $CORP } }"

    assert profile(text, CORP="http://127.0.0.1:7890").upstreams["openai"].proxy == "http://127.0.0.1:7890"
    assert profile(text).upstreams["openai"].proxy is None


def test_the_parameters_of_a_model_keep_their_types(profile: Read) -> None:
    text = """
        models:
          coder:
            to: nim/a/b:c
            with: { temperature: 1, top_p: 0.9, stop: [012, "1"], chat_template_kwargs: { thinking: true } }
            always: { max_tokens: 4096 }
            drop: user
    """

    coder = profile(text).models["coder"]

    assert coder.target == Target("nim", "a/b:c")
    assert coder.defaults == {
        "temperature": 1,
        "top_p": 0.9,
        "stop": [12, "1"],
        "chat_template_kwargs": {"thinking": True},
    }
    assert type(coder.defaults["temperature"]) is int
    assert (coder.always, coder.drop) == ({"max_tokens": 4096}, frozenset({"user"}))


def test_on_stands_for_four_efforts_and_a_named_one_wins() -> None:
    spec = {"off": {"a": False}, "on": {"e": "$effort", "b": {"n": "$budget"}}, "max": {"e": "xhigh"}}

    assert build.thinking(spec) == Thinking(
        efforts={
            "off": {"a": False},
            "low": {"e": "low", "b": {"n": 2048}},
            "medium": {"e": "medium", "b": {"n": 8192}},
            "high": {"e": "high", "b": {"n": 16384}},
            "max": {"e": "xhigh"},
        }
    )


def test_a_known_model_has_its_own_manners() -> None:
    known = build.known_model(Target("a", "b"), {"title": "B", "clamp": {"seed": [0, 9]}, "drop": ["user"]})

    assert known.manners == Manners(clamp={"seed": (0, 9)}, drop=frozenset({"user"}))


@pytest.mark.parametrize("images", [True, False, None])
def test_whether_a_known_model_sees_images_may_be_unknown(images: bool | None) -> None:
    spec = {"title": "B"} if images is None else {"title": "B", "images": images}

    assert build.known_model(Target("a", "b"), spec).images is images


def test_a_key_does_not_follow_a_known_upstream_to_another_host(tmp_path: Path) -> None:
    env = {"NVIDIA_API_KEY": "nvapi-000"}
    known = build.upstream(
        "nim", {"url": "https://nim.example.com/v1", "key": "$NVIDIA_API_KEY"}, env=env, folder=tmp_path
    )
    same = build.upstream("nim", {"url": "https://nim.example.com/v2"}, env=env, base=known, folder=tmp_path)
    other = build.upstream(
        "nim", {"url": "https://elsewhere.example/v1"}, env=env, base=known, folder=tmp_path
    )
    assert (same.keys, other.keys, other.ready) == (known.keys, (), True)


def test_manners_laid_over_others_add_to_their_sets_and_win_otherwise() -> None:
    upper = Manners(accepts=frozenset("a"), drop=frozenset("x"), rename={"b": "c"}, usage=False)
    lower = Manners(accepts=frozenset("b"), rename={"b": "d", "e": "f"}, usage=True, pace=3)

    assert upper.over(lower) == Manners(
        accepts=frozenset("ab"), drop=frozenset("x"), rename={"b": "c", "e": "f"}, usage=False, pace=3
    )
    assert (Manners().over(lower), lower.over(Manners())) == (lower, lower)


def test_the_model_wins_over_what_is_known_of_it_and_that_over_its_upstream() -> None:
    target = Target("up", "x")
    model = Model(name="m", target=target, manners=Manners(think="off"))
    known = KnownModel(target=target, title="X", manners=Manners(think="opened", repair=True))
    upstream = Upstream(
        name="up", title="Up", url="https://up.test", manners=Manners(think="inline", pace=3, repair=False)
    )

    assert layered(model, known, upstream) == Manners(think="off", repair=True, pace=3)
    assert layered(None, None, upstream) == upstream.manners
