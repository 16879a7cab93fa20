"""Import old installations into a deployment, and export folders from one."""
