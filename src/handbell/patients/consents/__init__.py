"""Proof of consent: what a patient agreed to, when, in which words."""
