"""A small server that tells live output as idetour does: numbered events, resumed by `Last-Event-ID`."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


class Teller:
    """`say(…)` tells all who listen; `drop()` breaks their connections off."""

    def __init__(self, *, status: int = 200, port: int = 0) -> None:
        self.asked: list[tuple[str, str | None]] = []  # the path, and where the listener says that it was
        self._events: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._dropped = 0
        teller = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                last = self.headers["last-event-id"]
                at = int(last.partition("-")[2]) if last else len(teller._events)
                teller.asked.append((self.path, last))
                self.send_response(status if urlsplit(self.path).path == "/admin/api/tokens/said" else 404)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                if status != 200:
                    return self.put(b"")
                self.event(at, {"type": "hello", "gap": False})
                self.follow(at)

            def follow(self, at: int) -> None:
                dropped = teller._dropped
                while fresh := teller._after(at, dropped):
                    for said in fresh:
                        at += 1
                        self.event(at, said)
                        if said.get("type") == "over":
                            return self.put(b"")
                self.close_connection = True
                return None

            def event(self, number: int, said: dict[str, Any]) -> None:
                self.put(b": keep-alive\n\nid: b-%d\ndata: %b\n\n" % (number, json.dumps(said).encode()))

            def put(self, data: bytes) -> None:
                """Cut in two, as a network may."""
                for part in (data[:20], data[20:]) if data else (b"",):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))

            def log_message(self, format: str, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # listeners leave
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def say(self, *events: dict[str, Any]) -> None:
        with self._news:
            self._events += events
            self._news.notify_all()

    def _after(self, at: int, dropped: int) -> list[dict[str, Any]]:
        """The events that come next; none where connections are dropped before."""
        with self._news:
            self._news.wait_for(lambda: len(self._events) > at or self._dropped > dropped)
            return self._events[at:] if self._dropped == dropped else []

    def drop(self) -> None:
        with self._news:
            self._dropped += 1
            self._news.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
