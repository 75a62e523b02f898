"""One folder per messaging company: how it is asked, and what its answers and webhooks mean."""
