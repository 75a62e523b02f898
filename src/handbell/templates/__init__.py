"""What a message says: texts with variables, their disclosure levels, and rendering."""
