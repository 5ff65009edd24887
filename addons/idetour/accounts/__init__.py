"""Credentials beside the environment's: keys that were added by hand, and logins whose tokens are renewed."""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")  # what an account may be called
