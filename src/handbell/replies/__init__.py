"""What a patient's text means: text in, intent and rule out. Pure."""
