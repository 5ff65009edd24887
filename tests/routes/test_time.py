from datetime import datetime

from idetour.routes import time
from routes.asking import asks


def test_one_of_several_times_is_enough() -> None:
    friday = asks("a", at=datetime(2026, 3, 6, 23, 30))

    assert time.judge(["sat", "22:00-07:00"], friday).holds
    assert not time.judge(["sat", "09:00-18:00"], friday).holds
    assert time.judge(["fri"], friday).why == "it is fri 23:30"
