"""Where the requests of a login go: its own address, if that is one of Qwen's, and never by a way that others can read."""

import re
from urllib.parse import urlsplit

# Hosts of Qwen and of Alibaba Cloud Model Studio. Not all of aliyuncs.com: under it lie customers' buckets too.
OURS = re.compile(
    r"portal\.qwen\.ai|(?:(?:coding|coding-intl|[a-z]{2}-[a-z]+)\.)?dashscope(?:-[a-z]+)?\.aliyuncs\.com"
    r"|[a-z0-9-]+\.[a-z]{2}-[a-z]+-?\d?\.maas\.aliyuncs\.com"
)


def written_out(resource_url: str) -> str:
    """As a base URL: `portal.qwen.ai` → `https://portal.qwen.ai/v1`."""
    url = resource_url.strip().rstrip("/")
    url = url if "://" in url else f"https://{url}"
    return url if url.endswith("/v1") else f"{url}/v1"


def address(resource_url: str, upstream: str) -> str:
    """The base URL for a login's requests; the upstream's own where it states none. Raises ValueError for a foreign one."""
    if not resource_url.strip():
        return upstream
    url = written_out(resource_url)
    parts, own = urlsplit(url), urlsplit(upstream)
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return url
    if parts.scheme == "https" and OURS.fullmatch(parts.netloc) and not (parts.query or parts.fragment):
        return url
    raise ValueError(f"{url} is no address of Qwen's")
