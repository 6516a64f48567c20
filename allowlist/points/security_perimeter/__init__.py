"""Outbound access rules of a network security perimeter, which an account can stand behind: read, never written."""
