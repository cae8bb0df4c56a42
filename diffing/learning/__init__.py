"""What repeating one build shows, and the rules it justifies."""
