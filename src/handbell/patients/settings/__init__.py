"""What an organisation has decided for all its patients, as its administrators see it."""
