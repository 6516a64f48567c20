"""Messages to people and machines about what a scheduled run found or did; told once, and only when something changed."""
