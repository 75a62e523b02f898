"""Links in messages: minted, looked up and spent; the table keeps a keyed hash of the token."""
