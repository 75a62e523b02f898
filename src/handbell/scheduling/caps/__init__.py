"""The caps that the law of a place adds to the product's own."""
