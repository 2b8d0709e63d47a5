"""The bytecode engine: from DEX files to the values that reach an API.

`dex` has the tables of one file, `search` finds the instructions that name an id, `body` decodes
one method, `program` joins all files into one hierarchy, `values` computes what an argument may be,
`code` answers the questions of checks.
"""
