#!/usr/bin/env bash
# Once, when a dev container has been made: the environment of `python3 lab.py`, and a word on whether the lab can run.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 lab.py doctor
echo 'The notebooks: pick the kernel .venv. JupyterLab: python3 lab.py --no-browser, and forward the port it prints.'
