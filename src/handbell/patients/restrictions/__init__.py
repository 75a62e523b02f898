"""Confidential communication: ways in which a patient is never to be reached."""
