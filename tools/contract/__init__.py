"""Holds our clients and the sandbox against what the providers publish: `make contract`."""
