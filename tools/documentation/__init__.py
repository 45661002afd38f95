"""What the site is made of, and what Sphinx is told about it: see build_docs.py."""
