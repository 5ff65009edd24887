"""A detour for your IDE's model traffic."""

__version__ = "0.1.0"
