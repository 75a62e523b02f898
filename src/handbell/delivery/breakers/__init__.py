"""The circuit breakers as people see them."""
