"""What conditions see of a request."""

from routes.asking import CALL, IMAGE, RESULT, asks


def test_the_newest_words_of_the_user_count_and_nothing_else() -> None:
    asked = asks(
        {"role": "system", "content": "debug"}, "first", {"role": "assistant", "content": "ok"}, "second"
    )

    assert asked.text == "second"
    assert asked.system == "debug"
    assert not asked.follows


def test_a_tools_result_follows_what_the_user_said() -> None:
    asked = asks("look", CALL, RESULT)

    assert asked.text == "look"
    assert asked.follows


def test_a_result_in_a_users_message_follows_too() -> None:
    asked = asks("look", CALL, {"role": "user", "content": [{"type": "tool_result", "content": "报错"}]})

    assert (asked.text, asked.follows) == ("look", True)


def test_a_message_of_reminders_alone_is_not_the_users() -> None:
    asked = asks("look", CALL, RESULT, "<system-reminder>Your todo list is empty</system-reminder>")

    assert (asked.text, asked.follows) == ("look", True)


def test_an_answer_that_is_to_be_continued_follows() -> None:
    assert asks("look", {"role": "assistant", "content": "I"}).follows


def test_who_says_nothing_is_asked_nothing() -> None:
    asked = asks({"role": "system", "content": "x"})

    assert (asked.text, asked.wrapped, asked.follows) == ("", "", True)


def test_pictures_and_tools_are_seen() -> None:
    asked = asks({"role": "user", "content": [IMAGE, IMAGE]}, tools=("read", "write"))

    assert asked.images == 2
    assert asked.tools == ("read", "write")


def test_the_words_around_what_is_said_are_kept_apart() -> None:
    asked = asks("<context>bug</context>explain")

    assert asked.text == "explain"
    assert asked.wrapped == "<context>bug</context>explain"
