"""E-mail through SendGrid, API v3."""
