"""The parts of `benchmarks/hub.py`: a JupyterHub with many learners at once, tried for real."""
