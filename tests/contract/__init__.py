"""The contract with clients: what each documented request is answered with, in each dialect.

`table/*.toml` says it, `test_contract.py` sends every request to a real server and compares status, members and types.
`missing.txt` names what is not there yet.
"""
