"""Azure's paths, in which the model stands as the name of a deployment.

https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

import re

PATH = re.compile(r"/openai/deployments/(?P<model>.+)/(?P<what>chat/completions|embeddings)/*")


def named(path: str) -> str | None:
    """The model that a path names, if it is one of Azure's."""
    found = PATH.fullmatch(path)
    return found["model"] if found else None


def plain(path: str) -> str:
    """The path as OpenAI has it."""
    return PATH.sub(r"/\g<what>", path) if PATH.fullmatch(path) else path
