"""STOP against whoever is sending: a thousand times, and nothing may arrive afterwards."""
