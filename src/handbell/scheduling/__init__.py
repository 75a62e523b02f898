"""When a message may leave: zones, windows, dated rules. Pure."""
