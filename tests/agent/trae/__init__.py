"""A stand-in for Trae Agent: the same command line, configuration, trajectory, requests, and the same defects.

It does what its model says, with real files and a real shell. Only the
standard library is used, so that it starts at once; its configurations are JSON.
"""
