"""Providers, locations, patients, how to reach them, and their appointments."""
