"""The managed network of a Foundry account (``Microsoft.CognitiveServices/accounts/managedNetworks``)."""
