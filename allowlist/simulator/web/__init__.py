"""The simulator on a socket: web application, sign-in endpoints, control endpoint, server in a thread."""
