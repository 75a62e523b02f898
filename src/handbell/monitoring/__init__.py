"""Whether the parts are well: health answers."""
