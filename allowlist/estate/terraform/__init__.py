"""Plans and states of Terraform and OpenTofu, as ``show -json`` prints them: the resources Azure would hold.

Its modules are imported by name: most snapshots hold nothing of Terraform, and should not pay for what reads it.
"""
