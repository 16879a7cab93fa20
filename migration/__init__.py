"""Brings old installations into a deployment, and folders out of one."""
