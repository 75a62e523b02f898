"""What workers have done, counted in Valkey for all of them."""
