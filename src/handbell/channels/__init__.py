"""What it takes to reach somebody: adapters to the providers, accounts, sender lines."""
