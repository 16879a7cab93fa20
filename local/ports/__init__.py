"""The servers on the well-known ports (page, API and search service), and who may use them."""
