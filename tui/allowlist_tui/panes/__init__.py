"""The panes of the tabs: each shows one thing and knows what may be done with it."""
