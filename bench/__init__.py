"""Measures the product beside floors of the same minute: `python -m bench`."""
