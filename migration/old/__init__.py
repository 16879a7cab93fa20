"""Read old installations; nothing in them is ever changed."""
