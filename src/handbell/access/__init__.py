"""Who calls, and what they may do: API keys, tokens, roles."""
