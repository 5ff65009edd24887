"""`GET /admin/api/authority`: what has been made to be trusted, and who on this machine trusts it.

Who intercepts has the authority, and tells of it here; the gateway alone has none.
"""

import asyncio

from idetour.endpoints.admin.owner import Admin, told
from idetour.endpoints.asgi import Exchange


async def authority(admin: Admin, exchange: Exchange) -> None:
    """To ask the stores takes seconds, and runs their own programs: in a thread."""
    said = await asyncio.to_thread(admin.authority) if admin.authority else {"exists": False}
    await told(exchange, said)
