"""Kills the product's real processes under load, and counts what its patients got."""
