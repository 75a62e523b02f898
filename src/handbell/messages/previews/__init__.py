"""Templates shown with a real patient's data."""
