"""Two generations, and a pointer that tells them one after the other."""

from glimpse.generations import Generation, Generations

A, B = Generation("a", "space-1", "a" * 64, 2), Generation("b", "space-2", "b" * 64, 2)


class Pointer:
    def __init__(self, *held: Generations) -> None:
        self.held = list(held or [Generations(A)])

    def current(self) -> Generations:
        return self.held.pop(0) if len(self.held) > 1 else self.held[0]

    fresh = current
