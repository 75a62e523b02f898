"""The conversations with patients as people at the practice read and answer them."""
