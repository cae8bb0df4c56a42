"""The recorded build replayed beside the new one: whose drift it is, and whether the new build became slower."""
