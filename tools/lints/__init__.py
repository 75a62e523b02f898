"""Rules about the product's source that no general linter knows."""
