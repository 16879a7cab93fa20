"""A change of model: everything is embedded anew, and the earlier space retired."""
