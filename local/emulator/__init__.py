"""The embedded AWS emulator: MiniStack, with its state saved as it runs and a limit on its workers."""
