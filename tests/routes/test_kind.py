"""What an IDE sends a request for. The wordings are shortened from those of well-known agents and IDEs."""

import pytest

from idetour.profile.conditions import KINDS
from idetour.routes import kind
from idetour.routes.asked import Asked
from routes.asking import CALL, RESULT, asks


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


CASES = {
    "title": [
        asks(system("Generate a concise title for this conversation, at most six words."), "why is it slow"),
        asks(system("Analyze if this message indicates a new conversation topic."), "fix it"),
        asks("请为以下对话生成一个简短的标题：\n用户：你好"),
    ],
    "summary": [
        asks("Please summarize this conversation in two sentences."),
        asks(
            "Your task is to create a detailed summary of the conversation so far.", tools=("read", "write")
        ),
        asks("请总结以上对话，保留关键信息"),
    ],
    "commit": [
        asks(system("You write git commit messages. Write a commit message for the diff."), "diff --git a b"),
        asks("根据以下 diff 生成提交信息：\n+ x = 1"),
    ],
    "completion": [
        asks("<|fim_prefix|>def add(<|fim_suffix|>)<|fim_middle|>"),
        asks(system("You are a code completion engine."), "def add("),
        asks("def add(", suffix="):"),
    ],
    "apply": [
        asks(
            "Merge all changes from the <update> snippet into the <code> below.\n<code>x</code><update>y</update>"
        ),
        asks("请应用以下修改：\n```\nx\n```"),
    ],
    "plan": [
        asks(
            "add a page<system-reminder>Plan mode is active. Do not edit.</system-reminder>", tools=("read",)
        ),
        asks(system("当前处于规划模式，不要修改文件"), "加一个页面", tools=("read",)),
    ],
    "agent": [
        asks("fix it", tools=("read",)),
        asks("fix it", CALL, RESULT),
        asks(system("TOOL USE\n\nYou have access to a set of tools."), "修一下"),
        asks("write a commit message for what you did", tools=("run",)),
        asks("add a title to this page, and summarize the chat settings", tools=("run",)),
    ],
    "chat": [asks("what is a monad?"), asks("你好"), asks(system("You are helpful."), "explain titles")],
}


@pytest.mark.parametrize(
    ("name", "asked"), [(name, asked) for name, several in CASES.items() for asked in several]
)
def test_the_shape_tells_the_kind(name: str, asked: Asked) -> None:
    assert kind.kind(asked) == name


def test_every_kind_of_the_profile_has_a_shape() -> None:
    assert set(kind.SHAPES) == set(KINDS) == set(CASES)


def test_one_of_several_is_enough() -> None:
    assert kind.judge(["title", "agent"], asks("a", tools=("x",))).holds
    assert kind.judge(["title"], asks("a", tools=("x",))).why == "it is of the kind agent"
