"""Qdrant's engine in a process of its own: its calls hold the interpreter, and a merge of seconds would stop the server."""
