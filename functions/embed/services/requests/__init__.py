"""What other functions ask for by a synchronous invocation."""
