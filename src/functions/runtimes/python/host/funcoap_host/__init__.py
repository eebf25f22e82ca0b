"""The side of the gateway that runs inside a Python process: one process serves one version of one library."""
