"""The gate, admission, receipts, and the life of a message."""
