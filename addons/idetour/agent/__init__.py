"""Agent runs over HTTP: Trae Agent does the work, this package starts, watches and ends it.

    api ── submit ──► store ◄── claim ── engine ── one process per task ──► supervisor
     ▲                  │                                                      │
     └── events, SSE ───┘ ◄──────────── numbered events ───────────────────────┤
                                                                               ▼
                                        driver (or trae-cli), in the agent's own interpreter

An agent executes whatever its model says, so it shares no process with keys or
the certificate authority. The supervisor, not the API, writes what happens: the
API may die and come back, and nobody misses an event. Whose supervisor died is
found by process id and start time, called lost, and what it left is killed.
"""
