"""Delivery that people stop, see come to rest, and let go on."""
