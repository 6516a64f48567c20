"""Reaching Azure: clouds, credentials, one ARM client with one visible retry and polling policy."""
