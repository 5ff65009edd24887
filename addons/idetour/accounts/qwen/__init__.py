"""Qwen accounts, as Qwen Code keeps them in `~/.qwen`: one login serves both programs.

The free tier behind them ended on 2026-04-15; what is said to people about it stands here, once.
"""

ENDED = "Qwen ended its free accounts on 2026-04-15: a login may still succeed, but requests are refused."
INSTEAD = "A key of Alibaba Cloud Model Studio or its Coding Plan takes their place: idetour login dashscope"
