"""What issuers write: the tokens and key sets of each provider, and what is expected of them.

The providers that most people ask for have a module each. `platforms.py` has other hosted identity
platforms, `servers.py` other servers that people run themselves, and `workloads.py` the tokens of machines:
clouds, clusters and pipelines. docs/issuers.md says what to set for each of them.
"""
