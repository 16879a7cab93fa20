"""The backend API: accounts, folders, uploads, jobs and search."""
