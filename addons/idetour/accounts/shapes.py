"""Whose key it is, by its shape: so that one vendor's key is not sent to another."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit


class Shape(NamedTuple):
    beginning: str
    vendor: str
    hosts: str  # a pattern of the hosts that take it
    upstream: str = ""  # of the catalog, if it is there


CODING_PLAN, CODING_HOST = "sk-sp-", r"coding(-intl)?\.dashscope\.aliyuncs\.com"

# The longer beginning stands first. A plain `sk-` is OpenAI's, DeepSeek's, Moonshot's and DashScope's: it says nothing.
SHAPES = (
    Shape("nvapi-", "NVIDIA", r"(.*\.)?nvidia\.com", "nim"),
    Shape("sk-or-", "OpenRouter", r"openrouter\.ai", "openrouter"),
    Shape("sk-ant-", "Anthropic", r"(.*\.)?(anthropic|claude)\.com", "anthropic"),
    Shape("sk-proj-", "OpenAI", r"(.*\.)?openai\.com", "openai"),
    Shape("sk-svcacct-", "OpenAI", r"(.*\.)?openai\.com", "openai"),
    Shape(CODING_PLAN, "Alibaba Cloud's Coding Plan", CODING_HOST, "dashscope-coding"),
    Shape("AIza", "Google", r"(.*\.)?googleapis\.com"),
    Shape("gsk_", "Groq", r"(.*\.)?groq\.com"),
    Shape("hf_", "Hugging Face", r"(.*\.)?(huggingface\.co|hf\.space|endpoints\.huggingface\.cloud)"),
    Shape("xai-", "xAI", r"(.*\.)?x\.ai"),
    Shape("fw_", "Fireworks", r"(.*\.)?fireworks\.ai"),
    Shape("csk-", "Cerebras", r"(.*\.)?cerebras\.ai"),
    Shape("pplx-", "Perplexity", r"(.*\.)?perplexity\.ai"),
    Shape("ms-", "ModelScope", r"(.*\.)?modelscope\.(cn|ai)"),
    Shape("ghp_", "GitHub", r"(.*\.)?(github\.(com|ai)|githubcopilot\.com)"),
    Shape("github_pat_", "GitHub", r"(.*\.)?(github\.(com|ai)|githubcopilot\.com)"),
    Shape("AKIA", "Amazon Web Services", r"(.*\.)?amazonaws\.com"),
    Shape("LTAI", "Alibaba Cloud (an AccessKey, which no model takes)", r"(?!)"),
)
PUBLIC = re.compile(
    r"(.*\.)?(nvidia|anthropic|openai|aliyuncs|deepseek|moonshot|googleapis)\.(com|cn)|openrouter\.ai"
)


def objection(key: str, url: str) -> str | None:
    """Why the key is not one for this address, or None. A gateway of somebody's own may take any shape."""
    host = (urlsplit(url).hostname or "").lower()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        return "a key is one word of letters, digits and signs, without blanks"
    if re.fullmatch(CODING_HOST, host) and not key.startswith(CODING_PLAN):
        return f"the Coding Plan takes only its own keys, which begin with {CODING_PLAN}"
    shape = next((shape for shape in SHAPES if key.startswith(shape.beginning)), None)
    if shape is None or re.fullmatch(shape.hosts, host) or not PUBLIC.fullmatch(host):
        return None
    where = f"; its place is `{shape.upstream}`" if shape.upstream else ""
    return f"a key that begins with {shape.beginning} is one of {shape.vendor}'s{where}"
