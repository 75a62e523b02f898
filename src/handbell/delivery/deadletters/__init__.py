"""Messages that failed on every channel: a work-list, grouped by what would mend them."""
