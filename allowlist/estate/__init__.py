"""What is configured, as Azure holds it: bodies by resource id, read from ARM, a snapshot or a template."""
