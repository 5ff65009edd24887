"""The tests lie where the code lies: `idetour/wire/sse.py` is tested by `tests/wire/test_sse.py`.

So nobody asks where a test goes, and a module without tests is seen.
"""

from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "addons" / "idetour"

# Modules without a test file of their own, and why. A package's `__init__` and `__main__` need none.
UNTESTED: dict[str, str] = {}

# Tests of something else than one module.
ELSEWHERE = {
    "agent/test_contract.py": "Trae Agent itself",
    "agent/test_cluster.py": "several machines that share a database",
    "agent/test_endings.py": "the agent's server: how tasks end",
    "agent/test_overheard.py": "live output, from the upstream to the client",
    "agent/test_faults.py": "the agent's server with its processes",
    "test_guides.py": "the docs",
    "test_keys_stay_inside.py": "the whole product, as it runs",
    "test_api.py": "docs/api.md",
    "test_migrating.py": "docs/migrating.md",
    "test_layers.py": "the whole package",
    "test_mirror.py": "the tests",
    "test_packaging.py": "pyproject.toml",
    "test_start.py": "tools/start.py",
    "test_clients.py": "tools/clients",
    "endpoints/test_responses_kept.py": "endpoints/responses.py: what is kept",
    "endpoints/test_responses_refused.py": "endpoints/responses.py: refusals and failures",
    "gateway/test_leaving.py": "gateway/pipeline.py: clients that leave",
    "gateway/test_passed_over.py": "gateway/pipeline.py: who has no word for a request",
    "gateway/test_replay_claude.py": "gateway/replay.py: signatures",
    "gateway/test_replay_memory.py": "gateway/replay.py: what is remembered",
    "upstreams/test_adapt_messages.py": "upstreams/adapt.py: messages and tools",
    "upstreams/test_reaching.py": "upstreams/transport.py: certificates and proxies",
    "wire/test_fuzz.py": "all machines of wire/ together",
    "test_upstream.py": "tests/upstream, the server that answers on cue",
    "test_upstream_faults.py": "tests/upstream, how it misbehaves",
}
# Folders whose tests cross many modules on purpose.
CROSSING = {
    "compatibility": "every client protocol with every upstream protocol",
    "dashboard": "the page in a real browser",
    "faults": "what the client sees when an upstream misbehaves",
}


def wanted() -> dict[str, str]:
    """Each module of the package, and the test file that it asks for."""
    paths = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))
    return {path.as_posix(): path.with_name(f"test_{path.name}").as_posix() for path in paths}


def present() -> set[str]:
    """Each test file that has to belong to a module."""
    paths = (path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    return {path.as_posix() for path in paths if path.parts[0] not in CROSSING} - set(ELSEWHERE)


def test_every_module_has_its_test_file() -> None:
    missing = {test for module, test in wanted().items() if module not in UNTESTED} - present()

    assert not missing, f"write in tests/: {', '.join(sorted(missing))}"


def test_every_test_file_has_its_module() -> None:
    stray = present() - set(wanted().values())

    assert not stray, f"of which module is this the test? {', '.join(sorted(stray))}"


def test_no_exception_outlives_its_file() -> None:
    gone = set(UNTESTED) - set(wanted()) | {
        name for name in {**ELSEWHERE, **CROSSING} if not (TESTS / name).exists()
    }

    assert gone == set()
