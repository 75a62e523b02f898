"""What a patient allowed and took back: an append-only, hash-chained ledger."""
