"""What the managed networks of hubs and of Foundry accounts share: rules, meaning, drafts, writes.

No generally available SDK carries either resource (azure-mgmt-cognitiveservices 14.1.0 and
azure-mgmt-machinelearningservices 1.0.1 have no such operations), so both are spoken to over httpx with an
azure-identity token.
"""
