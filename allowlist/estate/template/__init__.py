"""ARM templates, exported or compiled from Bicep: the resources they would deploy, as ARM would return them.

Its modules are imported by name: most snapshots hold no template, and should not pay for what works one out.
"""
