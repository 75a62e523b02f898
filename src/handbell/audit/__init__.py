"""Who did or read what, and why: append-only, sealed in chained Merkle blocks."""
