"""How each patient wants to be reached, resolved per field over four levels."""
