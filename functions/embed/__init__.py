"""The embed function: turns stored images into indexed ones, and erases what people deleted."""
