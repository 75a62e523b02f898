"""From a visit to its confirmation and reminders, planned anew whenever it changes."""
