from collections.abc import Callable

from idetour.doctor import profile


def test_a_broken_profile_is_shown_with_its_place(look: Callable[..., list[tuple[str, str]]]) -> None:
    [(state, text)] = look(profile.HOP, "models: {m: demo/hello}\nroutes: {gpt-4o: mm}\n")

    assert state == "broken"
    assert "profile.yaml:2:18" in text
    assert "did you mean 'm'?" in text


def test_a_warning_is_a_note(look: Callable[..., list[tuple[str, str]]]) -> None:
    findings = look(profile.HOP, "upstreams: {nim: {key: nvapi-literal-0123456789}}\nmodels: {m: nim/x}\n")

    assert [state for state, _ in findings] == ["ok", "note"]
    assert "nvapi-literal" not in str(findings)
