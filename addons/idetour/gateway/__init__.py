"""The heart: one request in, an answer out, whichever door it came through."""
