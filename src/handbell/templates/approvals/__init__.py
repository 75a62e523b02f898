"""What Meta says of the templates that we send over WhatsApp."""
