"""An agent's environment holds what is named here, and nothing of ours."""

from pathlib import Path

from idetour.agent.environment import built, passed_on

OWN = {
    "PATH": "/bin",
    "LANG": "C",
    "NVIDIA_API_KEY": "canary",
    "HTTPS_PROXY": "canary",
    "SSL_CERT_FILE": "/ca",
}


def test_nothing_but_what_is_needed_is_passed_on() -> None:
    made = built("t1", Path("/box"), {"OPENAI_API_KEY": "token"}, OWN)

    assert "canary" not in made.values()
    assert made["IDETOUR_TASK"] == "t1"
    assert made["HOME"] == "/box/home"
    assert (made["PATH"], made["SSL_CERT_FILE"], made["OPENAI_API_KEY"]) == ("/bin", "/ca", "token")


def test_a_direct_run_gets_the_variables_of_its_provider_alone() -> None:
    own = {"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "b", "ANTHROPIC_API_KEY": "c"}

    assert passed_on("openai", own) == {"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "b"}
    assert passed_on("doubao", own) == {}
