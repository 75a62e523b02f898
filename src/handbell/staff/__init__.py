"""What people at the practice have to look at."""
