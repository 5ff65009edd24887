"""What the user said, out of a message in which the IDE said more.

IDEs put reminders, open files and the state of the editor around a question,
in tags. Words in there are not the user's: routing by them would send every
request of a project about debugging to the model for debugging.
"""

import re

CLOSED = re.compile(r"</([A-Za-z_-]{1,40})>")
LONGEST = 20_000  # characters that conditions look at: the beginning and the end of a longer text

# The question itself, where an IDE marks it.
ASKS = ("user_query", "user_input", "user_request", "userRequest", "task", "feedback", "answer")
# What stands beside it.
ENVELOPES = (
    *("system-reminder", "system_reminder", "system", "reminder", "reminderInstructions"),
    *("environment_details", "environment_context", "environment_info", "additional_data", "context"),
    *("attached_files", "attachments", "attachment", "file_content", "file", "files", "editorContext"),
    *("current_file", "open_files", "open_and_recently_viewed_files", "ide_selection", "ide_opened_file"),
    *("workspace_info", "project_layout", "git_status", "custom_instructions", "user_rules", "rules"),
    *("user-prompt-submit-hook", "session-start-hook", "local-command-stdout", "command-message"),
)


def said(text: str) -> str:
    """The user's own words. Empty where the IDE alone speaks."""
    closed = set(CLOSED.findall(text))
    for name in ASKS:
        if name in closed and (inside := between(text, name)[1]):
            text = "\n".join(inside)
            break
    for name in ENVELOPES:
        if name in closed:
            text = between(text, name)[0]
    return bounded(text.strip())


def between(text: str, name: str) -> tuple[str, list[str]]:
    """The text without its elements `<name …>…</name>`, and what stands inside of them. One pass, no regex."""
    outside: list[str] = []
    inside: list[str] = []
    start, end = 0, f"</{name}>"
    opened = text.find(f"<{name}")
    while opened >= 0:
        head = text.find(">", opened)
        closed = text.find(end, head) if head >= 0 else -1
        if closed < 0:
            break
        if text[opened + len(name) + 1] in "> \n\t":  # not the beginning of a longer name
            outside.append(text[start:opened])
            inside.append(text[head + 1 : closed])
            start = closed + len(end)
        opened = text.find(f"<{name}", max(start, opened + 1))
    return "".join([*outside, text[start:]]), inside


def bounded(text: str) -> str:
    """At most LONGEST characters: what is asked stands before or after what was pasted."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2 - 1
    return f"{text[:half]}\n{text[-half:]}"
