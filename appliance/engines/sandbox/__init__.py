"""Untrusted work in child processes: one host that forks, one confined child per task."""
