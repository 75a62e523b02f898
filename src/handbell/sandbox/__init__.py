"""An emulator of the providers' HTTP APIs on loopback; it shares no code with the clients."""
