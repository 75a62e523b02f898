"""Where the product is put together and started."""
