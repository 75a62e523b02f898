"""Attempts whose answer was lost: asked about, settled, and never repeated blindly."""
