"""User agents as they came, and the names that people know."""

import pytest

from idetour.usage.client import LONGEST, named


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Trae/3.3.52 (Windows NT 10.0)", "Trae"),
        ("Mozilla/5.0 (X11) Cursor/1.0 Chrome/130 Electron/33", "Cursor"),
        ("claude-cli/2.1.0 (external, cli)", "Claude Code"),
        ("codex_cli_rs/0.169.0 (Debian)", "Codex"),
        ("QwenCode/0.15.0 (linux; x64)", "Qwen Code"),
        ("OpenAI/Python 2.8.0", "OpenAI/Python"),
        ("AsyncOpenAI/Python 2.8.0", "OpenAI/Python"),
        ("Anthropic/JS 0.60.0", "Anthropic/JS"),
        ("curl/8.5.0", "curl"),
        ("my-own.tool/1.0", "my-own.tool"),
        ("", ""),
        ("(strange)", ""),
    ],
)
def test_a_program_is_named_as_people_know_it(agent: str, expected: str) -> None:
    assert named(agent) == expected


def test_a_name_is_never_longer_than_a_label_may_be() -> None:
    assert len(named("x" * 10_000)) == LONGEST
    assert len(named("openai/" + "y" * 10_000)) <= LONGEST
