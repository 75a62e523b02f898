"""What a message costs: dated list prices as data, and an organisation's own."""
