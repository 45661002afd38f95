"""What runs only where somebody asks for it."""

import os

# The trial makes users of the system and fetches JupyterHub: nothing that a test run may do unasked.
# MTLS_LAB_HUB_TRIAL=1 asks for it, as root on Linux.
collect_ignore = [] if os.environ.get("MTLS_LAB_HUB_TRIAL") == "1" else ["test_hub_trial.py"]
