"""The managed network of an AI Foundry hub or a Machine Learning workspace."""
