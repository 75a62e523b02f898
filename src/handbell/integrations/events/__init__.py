"""CloudEvents from record systems: parsed, judged one by one, applied once."""
