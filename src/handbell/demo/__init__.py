"""A made-up practice, played against the real product in stepped time, and its own checker."""
