"""The embedded AWS emulator: MiniStack, its state saved while it runs, its workers kept few."""
