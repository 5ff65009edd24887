"""A dictionary that forgets: what was not used for longest goes first, and nothing stays for ever."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Recent[K, V]:
    most: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[K, tuple[float, V]] = field(default_factory=OrderedDict)

    def get(self, key: K) -> V | None:
        since, value = self._kept.get(key, (0.0, None))
        if value is None or self.clock() - since > self.seconds:
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._kept[key] = (self.clock(), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
