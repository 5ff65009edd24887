"""The systems that are compared: how each is started and how a client gets in.

One process for one way in, so that what each uses can be told apart. All of
them speak TLS to the same mock, keep connections to it and check its certificate.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .client import Door
from .processes import Running, answering, free_port, start

CHECKOUT = Path(__file__).resolve().parents[2]
CORE, OTHER_CORE = 0, 1  # of the system under test; of mock and load generator
OPENAI = "api.openai.com"


@dataclass(frozen=True, slots=True)
class Place:
    """What one run has in common."""

    folder: Path
    authority: Path
    certificate: Path
    plain: int  # ports of the mock
    tls: int
    far: int  # the same, behind a long line

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@dataclass(frozen=True, slots=True)
class System:
    name: str
    about: str
    door: Door
    far: Door | None = None  # the way to the mock behind the long line
    running: Running | None = None
    seconds: float = 0.0  # from start to the first answer

    def stop(self) -> None:
        if self.running:
            self.running.stop()


def launch(
    place: Place, name: str, command: Sequence[str], *, port: int, env: dict[str, str] | None = None
) -> tuple[Running, float]:
    log = place.folder / f"{name}.log"
    running = start(command, core=CORE, log=log, env=env)
    return running, answering(running, port, log=log)


def direct(place: Place) -> System:
    near = Door(place.tls, ca=str(place.authority))
    return System("direct", "TLS to the mock, nothing between", near, replace(near, port=place.far))


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.error crit; worker_processes 1;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 1h; keepalive_requests 1000000;
  client_max_body_size 16m; client_body_buffer_size 16m; client_body_temp_path {folder};
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
  proxy_buffering off; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  proxy_ssl_verify on; proxy_ssl_trusted_certificate {authority};
  proxy_ssl_name localhost; proxy_ssl_server_name on;
  ssl_certificate {certificate}; ssl_certificate_key {certificate};
  upstream near {{ server 127.0.0.1:{tls}; keepalive 64; keepalive_requests 1000000; keepalive_timeout 1h; }}
  upstream far {{ server 127.0.0.1:{far}; keepalive 64; keepalive_timeout 1h; }}
  server {{ listen 127.0.0.1:{near_port} {listen}; location / {{ proxy_pass https://near; }} }}
  server {{ listen 127.0.0.1:{far_port} {listen}; location / {{ proxy_pass https://far; }} }}
}}
"""


def nginx(place: Place, *, tls: bool = False) -> System | None:
    """As a reverse proxy tuned for this: no buffering of answers, request bodies kept in memory."""
    command = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not command:
        return None
    name = "nginx-tls" if tls else "nginx"
    folder = place.folder / name
    folder.mkdir(exist_ok=True)
    near_port, far_port = free_port(), free_port()
    text = NGINX.format(
        folder=folder,
        authority=place.authority,
        certificate=place.certificate,
        tls=place.tls,
        far=place.far,
        near_port=near_port,
        far_port=far_port,
        listen="ssl" if tls else "",
    )
    config = place.write(f"{name}.conf", text if os.geteuid() else f"user root;{text}")
    running, seconds = launch(
        place, name, [command, "-e", f"{folder}/nginx.error", "-c", str(config)], port=near_port
    )
    near = Door(near_port, ca=str(place.authority) if tls else None)
    return System(
        name, f"{'TLS' if tls else 'plain'} in", near, replace(near, port=far_port), running, seconds
    )


def mitmdump(place: Place, *, connect: bool = False) -> System:
    """Without an addon; streaming, which it would not do by itself."""
    name = "mitmdump-connect" if connect else "mitmdump"
    port, confdir = free_port(), place.folder / name
    mode = "regular" if connect else f"reverse:https://localhost:{place.tls}"
    command = [beside("mitmdump"), "-q", "--mode", f"{mode}@127.0.0.1:{port}"]
    for option in (
        f"confdir={confdir}",
        "stream_large_bodies=1",
        f"ssl_verify_upstream_trusted_ca={place.authority}",
    ):
        command += ["--set", option]
    running, seconds = launch(place, name, command, port=port)
    if not connect:
        return System(name, "bare, reverse: plain in", Door(port), None, running, seconds)
    near = Door(port, ca=str(confdir / "mitmproxy-ca-cert.pem"), connect=f"localhost:{place.tls}")
    far = replace(near, connect=f"localhost:{place.far}")
    return System(name, "bare, by CONNECT: TLS in", near, far, running, seconds)


PROFILE = """
upstreams:
  bench: {{ url: "https://localhost:{tls}/v1", key: $BENCH_KEY, ca: {authority} }}
  far: {{ url: "https://localhost:{far}/v1", key: $BENCH_KEY, ca: {authority} }}
models:
  gpt-4o: bench/gpt-4o
  gpt-4o-far: far/gpt-4o
"""


def idetour(place: Place, *, connect: bool = False, web: bool = False) -> System:
    """This checkout, as a user starts it."""
    name = "idetour" + "-connect" * connect + "-web" * web
    port = free_port()
    profile = place.write(
        f"{name}.yaml", PROFILE.format(tls=place.tls, far=place.far, authority=place.authority)
    )
    env = {
        "PYTHONPATH": str(CHECKOUT / "addons"),
        "IDETOUR_HOME": str(place.folder / name),
        "BENCH_KEY": "bench",
    }
    command = [sys.executable, "-m", "idetour"]
    options = ["--web"] if web else []
    running, seconds = launch(
        place, name, [*command, "run", str(profile), "-p", str(port), *options], port=port, env=env
    )
    near, about = Door(port), "by base URL: plain in"
    if connect or web:
        path = subprocess.run(
            [*command, "cert", "path"], env=os.environ | env, capture_output=True, text=True
        )
        root = path.stdout.split("\n")[0].strip()
        near, about = (
            Door(port, ca=root, host=OPENAI, connect=f"{OPENAI}:443"),
            "intercepted by CONNECT: TLS in",
        )
    return System(name, about, near, replace(near, model="gpt-4o-far"), running, seconds)


LITELLM = """
model_list:
  - model_name: gpt-4o
    litellm_params: {{ model: openai/gpt-4o, api_base: "https://localhost:{tls}/v1", api_key: bench }}
  - model_name: gpt-4o-far
    litellm_params: {{ model: openai/gpt-4o, api_base: "https://localhost:{far}/v1", api_key: bench }}
general_settings: {{ dangerously_permit_weak_or_unset_master_key: true }}
litellm_settings: {{ telemetry: false }}
"""


def litellm(place: Place) -> System | None:
    command = shutil.which("litellm")
    if not command:
        return None
    port = free_port()
    config = place.write("litellm.yaml", LITELLM.format(tls=place.tls, far=place.far))
    env = {
        "SSL_CERT_FILE": str(place.authority),
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    options = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    running, seconds = launch(
        place, "litellm", [command, "--config", str(config), *options], port=port, env=env
    )
    near = Door(port)
    return System("litellm", "plain in", near, replace(near, model="gpt-4o-far"), running, seconds)


def beside(program: str) -> str:
    """A program of the environment that this Python belongs to."""
    return str(Path(sys.executable).with_name(program))


OURS: dict[str, Callable[[Place], System]] = {
    "idetour": idetour,
    "idetour-connect": lambda place: idetour(place, connect=True),
    "idetour-web": lambda place: idetour(place, web=True),
}
SYSTEMS: dict[str, Callable[[Place], System | None]] = {
    "direct": direct,
    "nginx": nginx,
    "nginx-tls": lambda place: nginx(place, tls=True),
    "mitmdump": mitmdump,
    "mitmdump-connect": lambda place: mitmdump(place, connect=True),
    "litellm": litellm,
    **OURS,
}
