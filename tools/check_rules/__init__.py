"""Holds the rules of sending times against a second reading of the law, minute by minute."""
