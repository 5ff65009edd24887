"""`asks.tsv`: short requests as people type them into an IDE, English and Chinese, each with what is wanted.

One half (`tune`) was looked at when words and weights were chosen, the other
(`held`) was not. Both were written by one hand, so an outsider's requests will
be met less well.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

type Ask = tuple[str, str]  # label, text

FILE = Path(__file__).with_name("asks.tsv")

# The lists that a careful user might write, in the order that serves them best.
KEYWORDS = {
    "translate": ["translate", "translation", "localize", "port", "翻译", "本地化", "译成"],
    "tests": ["test", "tests", "unit test", "coverage", "pytest", "测试", "单测", "用例", "覆盖率"],
    "docs": ["document", "docs", "documentation", "README", "docstring", "comments", "文档", "注释", "说明"],
    "review": ["review", "feedback", "security", "PR", "评审", "审查", "检查", "安全"],
    "refactor": [
        "refactor",
        "clean up",
        "simplify",
        "rename",
        "extract",
        "split",
        "重构",
        "优化",
        "简化",
        "改名",
    ],
    "debug": [
        "debug",
        "bug",
        "fix",
        "error",
        "crash",
        "crashes",
        "fails",
        "报错",
        "错误",
        "修复",
        "调试",
        "失败",
        "崩溃",
    ],
    "explain": [
        "explain",
        "what does",
        "how does",
        "what is",
        "why",
        "解释",
        "什么意思",
        "讲解",
        "介绍",
        "为什么",
    ],
    "chat": ["hi", "hello", "thanks", "thank you", "你好", "谢谢", "早上好"],
    "write_code": [
        "write",
        "add",
        "create",
        "implement",
        "build",
        "make",
        "写",
        "实现",
        "添加",
        "新增",
        "加一个",
        "做一个",
    ],
}


def asks(half: str, language: str) -> list[Ask]:
    lines = [line.split("\t") for line in FILE.read_text("utf-8").splitlines()[1:]]
    return [(label, text) for spoken, part, label, text in lines if (spoken, part) == (language, half)]


def held_out(language: str) -> list[Ask]:
    return asks("held", language)


def accuracy(method: Callable[[str], str | None], asked: Sequence[Ask]) -> float:
    """The share that is labelled right; what is declined is not."""
    return sum(method(text) == label for label, text in asked) / len(asked)
