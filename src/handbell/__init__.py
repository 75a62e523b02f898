"""Handbell: patient outreach for medical practices."""
