"""Tells somebody by HTTP that a task is over. Whoever does not answer is told again, a few times."""

import logging
import threading
import time
from typing import Any

from idetour.agent.store import Task

log = logging.getLogger("idetour")

PAUSES = (1.0, 5.0, 25.0)  # seconds before the second try, the third …
SECONDS = 10.0  # for an answer


def deliver(task: Task) -> bool:
    """POST the end of the task to its webhook; whether it was taken. Blocks, for a minute at the worst."""
    import httpx2  # a tenth of a second, which tasks without a webhook are spared

    url = task.spec.webhook or ""
    trouble = ""
    for pause in (0.0, *PAUSES):
        time.sleep(pause)
        try:
            answer = httpx2.post(url, json=told(task), timeout=SECONDS, trust_env=False)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            trouble = str(error) or type(error).__name__
            continue
        if answer.is_success:
            return True
        trouble = f"it answered {answer.status_code}"
        if answer.is_client_error and answer.status_code != 429:
            break  # it will not like it better the next time
    log.warning("the webhook of task %s was not told of its end: %s", task.id, trouble)
    return False


def deliver_soon(task: Task) -> None:
    """The same without waiting for it; nothing where there is no webhook."""
    if task.spec.webhook:
        threading.Thread(target=deliver, args=(task,), name="webhook", daemon=True).start()


def told(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "status": task.status,
        "success": task.success,
        "result": task.result,
        "error": task.error,
        "duration": task.seconds(time.time()),
        "metadata": task.spec.metadata,
    }
