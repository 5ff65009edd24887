"""The protocols of clients and upstreams: bytes in, bytes out, no I/O.

`sse` cuts a stream into events; `chat` reads requests; `chunks` passes a
streamed answer on; `completion` handles answers that come or go whole.
`messages*` and `responses*` translate what clients ask in other protocols,
`anthropic*`, `responses_up*` and `ollama*` what upstreams are asked in theirs;
`embeddings` takes what is no conversation the same way.
"""
