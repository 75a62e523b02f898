"""Whether the parts are well: health answers; in simulated time also whether all is quiet."""
