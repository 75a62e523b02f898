"""Stretches of time in which an operator lets nothing of a kind leave (ST-06)."""
