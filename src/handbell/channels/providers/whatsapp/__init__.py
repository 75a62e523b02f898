"""WhatsApp through the Cloud API of Meta."""
