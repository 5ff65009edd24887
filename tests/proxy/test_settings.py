"""Settings under which idetour would loop or leak are refused in one sentence."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

from idetour.proxy.settings import FIXED, Settings, closed, keep_to_owner
from upstream import until


def configured[T](look: Callable[[DumpMaster], T], **options: Any) -> T:
    """What `look` sees in a mitmproxy, not started, with our settings and these options."""

    async def make() -> T:
        master = DumpMaster(Options(), with_termlog=False, with_dumper=False)
        master.addons.add(Settings())
        master.options.update(**options)
        return look(master)

    return asyncio.run(make())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("connection_strategy", "eager", "loop or stall"),
        ("upstream_cert", True, "loop or stall"),
        ("http2", True, "loop or stall"),
        ("body_size_limit", "1g", "loop or stall"),
        ("stream_large_bodies", "1m", "unset stream_large_bodies"),
        ("ssl_insecure", True, "keys would go to anyone"),
        ("mode", ["transparent"], "transparent mode"),
        ("mode", ["upstream:http://127.0.0.1:1"], "upstream mode"),
        ("mode", ["regular@0.0.0.0:8080"], "this machine only, not on 0.0.0.0"),
        ("listen_host", "192.168.1.5", "this machine only, not on 192.168.1.5"),
        ("idetour_keep_flows", -1, "0 or more"),
        ("idetour_inspect", "sometimes", "auto, always or never"),
    ],
)
def test_a_setting_that_would_loop_or_leak_ends_the_start_with_a_sentence(
    name: str, value: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        configured(lambda _: None, **{name: value})
    [record] = caplog.records
    assert said in record.message
    assert record.exc_info is None


def test_a_password_of_the_proxy_is_not_passed_by(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit):
        configured(lambda _: None, proxyauth="me:secret", idetour_inspect="never")
    assert "proxyauth" in caplog.text


def test_while_it_runs_such_a_setting_is_refused_and_nothing_ends() -> None:
    def change(master: DumpMaster) -> bool:
        master.addons.get("settings").running()
        with pytest.raises(exceptions.OptionsError, match="keys would go to anyone"):
            master.options.update(ssl_insecure=True)
        return bool(master.options.ssl_insecure)

    assert configured(change) is False


@pytest.mark.parametrize(
    "options",
    [
        {"mode": ["regular"]},
        {"mode": ["regular@127.0.0.1:8080", "reverse:https://api.openai.com@127.0.0.1:443"]},
        {"mode": ["reverse:https://api.openai.com@::1:443"]},
        {"mode": ["regular@0.0.0.0:8080"], "idetour_lan": True},
    ],
)
def test_what_people_need_is_accepted(options: dict[str, Any]) -> None:
    assert configured(lambda master: master.options.mode, **options) == options["mode"]


def test_the_fixed_settings_are_set_when_the_script_is_loaded() -> None:
    assert configured(lambda master: {name: getattr(master.options, name) for name in FIXED}) == FIXED


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        ("regular", "regular@127.0.0.1:8080"),
        ("regular@9000", "regular@127.0.0.1:9000"),
        ("regular@127.0.0.1:9000", "regular@127.0.0.1:9000"),
        ("reverse:https://api.openai.com@443", "reverse:https://api.openai.com@127.0.0.1:443"),
    ],
)
def test_a_mode_without_an_address_is_closed_to_others(spec: str, made: str) -> None:
    assert configured(lambda _: closed([spec], "")) == [made]


def test_a_mitmproxy_told_nothing_ends_up_on_loopback(
    proxy: Callable[..., Any], profile_file: Callable[..., Path]
) -> None:
    running = proxy(profile_file("models: {gpt-4o: demo/hello}"), "regular@0")
    assert until(lambda: {host for host, _ in running.addresses()} == {"127.0.0.1"})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_for_flows_is_its_owners_and_one_that_holds_something_stays_as_it_is(tmp_path: Path) -> None:
    old, made, new = tmp_path / "old", tmp_path / "made", tmp_path / "new"
    old.write_text("flows")
    made.touch()
    for path in (old, made):
        path.chmod(0o644)
    for said in (str(old), f"+{made}", str(new), "-", "", None, str(tmp_path / "none" / "x"), "a\0b"):
        keep_to_owner(said)
    assert [path.stat().st_mode & 0o777 for path in (old, made, new)] == [0o644, 0o600, 0o600]
