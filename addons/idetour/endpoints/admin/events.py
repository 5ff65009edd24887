"""`GET /admin/api/events`: what happens, live, as server-sent events that can be resumed.

All are unnamed, so that `EventSource.onmessage` hears them; `type` in the data
tells them apart. Names would each need a listener of their own.
"""

from collections.abc import Mapping

import msgspec

from idetour import __version__
from idetour.endpoints.admin.owner import Admin
from idetour.endpoints.asgi import Exchange
from idetour.errors import RequestError
from idetour.gateway.news import Full, News
from idetour.wire import sse

BEAT_SECONDS = 15.0
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}


async def events(admin: Admin, exchange: Exchange) -> None:
    hello = {"version": __version__, "started": admin.started}
    await stream(exchange, admin.pipeline.chronicle.news, hello)


async def stream(exchange: Exchange, news: News, hello: Mapping[str, object] = {}) -> None:
    """First `hello`, then what was missed since `Last-Event-ID`, then what happens, as long as something can."""
    exchange.check_live()
    try:
        with news.listening() as listener:
            missed, gap = news.missed(exchange.headers.get("last-event-id"))
            number = missed[0].number - 1 if missed else news.number
            first = [(number, msgspec.json.encode({"type": "hello", "gap": gap, **hello})), *missed]
            async with exchange.attended():
                await exchange.start(200, HEADERS)
                await exchange.write(b"".join(event(news.id(number), data) for number, data in first))
                while not listener.late and number != news.last:
                    item = await listener.next(BEAT_SECONDS)
                    number = item.number if item else number
                    await exchange.write(event(news.id(number), item.data) if item else sse.KEEP_ALIVE)
    except Full:
        raise RequestError("Too many listen already.", status=503, code="overloaded") from None
    await exchange.end()


def event(id: str, data: bytes) -> bytes:
    return b"id: %s\ndata: %s\n\n" % (id.encode(), data)
