"""Credentials beside the environment's: keys that were added by hand, and logins whose tokens are renewed."""
