#!/usr/bin/env python3
"""The command `glimpse`, as ``python -m cli`` and as the script in a checkout's virtual environment."""

from cli.main import main

main()
