"""An upstream that refuses, and the fault that its words are taken for."""

from idetour.gateway import faults
from idetour.profile import KnownModel, Target, Upstream
from idetour.routes.plan import Candidate
from idetour.secret import Secret

KEY = Secret("sk-canary-0123456789abcdef")
NIM, DASHSCOPE = "https://integrate.api.nvidia.com/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"


def candidate(url: str = NIM, known: KnownModel | None = None) -> Candidate:
    upstream = Upstream(name="up", title="Up", url=url)
    return Candidate(target=Target("up", "some/model"), upstream=upstream, known=known)


def answered(status: int, body: str, url: str = NIM, **headers: str) -> faults.Fault:
    return faults.of_answer(status, headers, body.encode(), candidate(url), KEY)
