"""Ground floor: clock, database, queue, settings, crypto. Knows nothing of the domain."""
