"""`tools/clients`: the harness with a client that needs no installation, and what it writes of results.

The real clients are run by hand: they take minutes and a registry.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from upstream import Upstream
from upstream.author import author, choose, filled

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))
recipes: Any = importlib.import_module("tools.clients.recipes")
trial: Any = importlib.import_module("tools.clients.trial")
run: Any = importlib.import_module("tools.clients.run")
installation: Any = importlib.import_module("tools.clients.installation")
processes: Any = importlib.import_module("tools.clients.processes")
login: Any = importlib.import_module("tools.clients.login")

# A client of its own: the OpenAI SDK in a loop, with a tool that writes and one that does not.
SDK = """#!{python}
import json, sys
from pathlib import Path
from openai import OpenAI

def tool(name, *members):
    properties = {{member: {{"type": "string"}} for member in members}}
    schema = {{"type": "object", "properties": properties, "required": list(members)}}
    return {{"type": "function", "function": {{"name": name, "parameters": schema}}}}

tools = [tool("read_file", "path"), tool("write_file", "path", "content", "why")]
messages = [{{"role": "user", "content": sys.argv[2]}}]
with OpenAI(base_url=sys.argv[1] + "/v1", api_key="anything") as client:
    while True:
        answer = client.chat.completions.create(model="coder", messages=messages, tools=tools)
        said = answer.choices[0].message
        messages.append(said.to_dict())
        print(said.content)
        if not said.tool_calls:
            break
        for call in said.tool_calls:
            given = json.loads(call.function.arguments)
            Path(given["path"]).write_text(given["content"])
            messages.append({{"role": "tool", "tool_call_id": call.id, "content": "ok"}})
"""


# One that logs in as Qwen Code does: its file's token, renewed when it has ended.
LOGGED_IN = """#!{python}
import json, os, time
from pathlib import Path
import httpx2

file = Path(os.environ["HOME"], ".qwen/oauth_creds.json")
said = json.loads(file.read_text())
if said["expiry_date"] < time.time() * 1000:
    form = {{"grant_type": "refresh_token", "refresh_token": said["refresh_token"]}}
    new = httpx2.post(os.environ["PLAYED"] + "/api/v1/oauth2/token", data=form).json()
    said |= new | {{"expiry_date": (time.time() + new["expires_in"]) * 1000}}
    file.write_text(json.dumps(said))
body = {{"model": "coder-model", "messages": [{{"role": "user", "content": "Say hello."}}]}}
headers = {{"authorization": "Bearer " + said["access_token"]}}
answer = httpx2.post(said["resource_url"] + "/chat/completions", json=body, headers=headers)
print(answer.json()["choices"][0]["message"]["content"])
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "client"
    path.write_text(text)
    path.chmod(0o755)
    return path


def client(path: Path) -> Any:
    def start(place: Any) -> Any:
        return recipes.Start(arguments=[place.url, recipes.TASK])

    return recipes.Client("SDK", "openai", str(path), speaks="chat", start=start, installer="none")


def test_a_client_finishes_the_task_through_the_whole_product(tmp_path: Path) -> None:
    """The SDK speaks Chat, the model behind idetour speaks Messages."""
    result = trial.tried(client(program(tmp_path, SDK.format(python=sys.executable))), tmp_path)

    assert (result.finished, result.said, result.requests) == (True, "", 2)
    assert result.road == "Chat Completions → Messages"


def test_a_client_that_does_not_finish_is_told_in_its_own_words(tmp_path: Path) -> None:
    result = trial.tried(
        client(program(tmp_path, "#!/bin/sh\necho first\necho 'I would rather not.' >&2\n")), tmp_path
    )

    assert (result.finished, result.said) == (False, "I would rather not.")


@pytest.mark.parametrize("installer", ["npm", "pip"])
def test_a_client_that_cannot_be_installed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = recipes.Client("X", "x", "x", speaks="chat", start=recipes.aider, installer=installer)
    result = trial.tried(made, tmp_path)

    assert not result.finished
    assert result.said.startswith("not installed: ")
    assert ("there is no npm here" if installer == "npm" else "python3.12") in result.said


def test_what_hangs_is_stopped_with_all_that_it_started() -> None:
    done = processes.finish(["sh", "-c", "echo working; sleep 60 & wait"], seconds=0.5)

    assert done.code != 0
    assert done.last == "not ready after 0 s; last: working"


@pytest.mark.parametrize(
    ("wrote", "said"),
    [
        (
            "npm error code E404\nnpm error 404 Not Found - GET https://there/x - gone\nlogs: …",
            "npm error 404 Not Found - GET … - gone",
        ),
        ("ERROR: none found for x\nbye", "ERROR: none found for x"),
        ("bye", "bye"),
        ("", ""),
    ],
)
def test_of_what_failed_the_first_complaint_counts_and_no_address(wrote: str, said: str) -> None:
    assert processes.finish(["printf", "%s", wrote], seconds=9).complaint == said


def test_no_key_of_this_machine_reaches_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NVIDIA_API_KEY", "ANTHROPIC_AUTH_TOKEN", "HTTPS_PROXY", "OPENAI_BASE_URL", "IDETOUR_HOME"):
        monkeypatch.setenv(name, "mine")

    assert "mine" not in trial.clean().values()
    assert "PATH" in trial.clean()


PAGE = """# Clients

<!-- results -->

| client | version | protocols | requests | time | result |
| --- | --- | --- | --- | --- | --- |
| aider | 0.1 | Chat Completions → Messages | 1 | 2 s | finished |
| Codex | 0.2 | Responses → Messages | 2 | 9 s | finished |

<!-- end -->

More.
"""


def test_results_replace_their_lines_and_no_others() -> None:
    made = run.written(
        PAGE, [trial.Result(name="Codex", version="0.3", road="R → M", said="a | b", requests=3, seconds=4.4)]
    )

    assert made == PAGE.replace(
        "| Codex | 0.2 | Responses → Messages | 2 | 9 s | finished |",
        "| Codex | 0.3 | R → M | 3 | 4.4 s | a / b |",
    )


@pytest.mark.parametrize("page", run.PAGES, ids=lambda page: page.name)
def test_the_pages_have_a_line_for_every_client(page: Path) -> None:
    lines = run.TABLE.search(page.read_text("utf-8"))[0].splitlines()

    assert {each.name for each in recipes.CLIENTS} == {
        line.split(" | ")[0].strip("| ") for line in lines[2:] if line
    }


def test_clients_are_named_and_an_unknown_one_is_refused() -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "tools" / "clients"), *words]
        return subprocess.run(line, capture_output=True, text=True, timeout=30)

    assert command("--list").stdout.splitlines()[1] == "Codex: @openai/codex, by npm"
    assert "'vim' is none of Claude Code, Codex" in command("--only", "vim").stderr


# The scripted model.


def schema(*members: str, **types: Any) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in members} | types
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_the_model_takes_a_tool_that_writes_else_one_that_runs_commands() -> None:
    read, write = ("read", schema("path")), ("Write", schema("file_path", "content"))
    bash, listed = ("bash", schema("command")), ("shell", schema(command={"type": "array"}))

    assert choose(iter([read, bash, write]), "/p/f", "42") == (
        "Write",
        {"file_path": "/p/f", "content": "42"},
    )
    assert choose(iter([read, bash]), "/p/f", "42") == ("bash", {"command": "printf '%s' '42' > '/p/f'"})
    assert choose(iter([listed]), "f", "42") == (
        "shell",
        {"command": ["sh", "-c", "printf '%s' '42' > 'f'"]},
    )
    assert choose(iter([read]), "f", "42") is None


def test_what_a_schema_demands_beside_is_filled_in() -> None:
    wanted = schema(
        "path", mode={"enum": ["w", "a"]}, background={"type": "boolean"}, lines={"type": "array"}
    )

    assert filled(wanted, {"path": "f"}) == {"path": "f", "mode": "w", "background": False, "lines": []}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_the_model_wants_the_result_of_its_call_back(upstream: Upstream, path: str) -> None:
    """A client or a translation that loses the result would otherwise look finished."""
    upstream.always(author("f", "42"))
    turns = [{"role": "assistant", "content": [{"type": "tool_use", "id": "call_author"}]}]
    answer = httpx2.post(f"{upstream.origin}{path}", json={"model": "m", "messages": turns}, trust_env=False)

    assert answer.status_code == 400
    assert "the result of call_author is missing" in json.dumps(answer.json())


def test_a_client_and_idetour_share_one_login(tmp_path: Path) -> None:
    path = program(tmp_path, LOGGED_IN.format(python=sys.executable))
    sharer = recipes.Client("X", "x", str(path), speaks="chat", start=login.logged_in, installer="none")

    held = [*login.shared(tmp_path, sharer)]

    assert [claim for claim, well in held if not well] == []
    assert len(held) == 6
