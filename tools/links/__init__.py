"""What happens to links that are forged, altered, late, clicked by scanners or by a hundred."""
