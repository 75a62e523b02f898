"""What patients write back: which visit it is about, and what follows from it."""
