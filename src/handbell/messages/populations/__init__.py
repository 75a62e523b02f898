"""Admission of a whole population by sets, with the rules of single admission."""
