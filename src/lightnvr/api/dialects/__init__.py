"""The forms that answers have on the wire, a file for each resource, and how a client chooses between them.

Handlers make the same views whatever the dialect is. What is written here is all that knows of dialects: the class of a
resource says how it is done in `documented`, the form of the specification; its heir `Lightnvr...` says what is done in
another way for clients of the original server.
"""
