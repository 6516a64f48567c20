"""The network around the rules: where traffic starts, which way it takes, how names resolve, who is in between.

Pure: every module reads raw ARM JSON from an :class:`~allowlist.estate.bodies.Estate` into frozen values and
answers one question. Nothing here writes, and nothing that was not read is assumed.
"""
