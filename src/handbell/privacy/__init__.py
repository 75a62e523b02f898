"""What the law lets patients ask of their data: erasure, and what outlives it."""
