"""What the recording as a whole says of each place, and the exact class of a difference there."""
