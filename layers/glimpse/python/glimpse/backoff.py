"""Backoff between retries."""

import random


def full_jitter(
    tried: int, *, base_seconds: float, cap_seconds: float, rng: random.Random | None = None
) -> float:
    """Return a pause by exponential backoff with full jitter: uniform in 0…min(cap, base·2^tried) seconds.

    The jitter keeps clients that collided once from colliding again in lockstep [1]_.

    Parameters
    ----------
    tried : int
        Number of earlier pauses: 0 for the first one.
    base_seconds, cap_seconds : float
        Upper bound of the first pause, and of every pause.
    rng : Random, optional
        Source of the jitter.

    References
    ----------
    .. [1] Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
    """
    # Beyond 2^30 the cap always applies, and the power would overflow with enough tries.
    longest = min(cap_seconds, base_seconds * 2 ** min(tried, 30))
    return (rng or random).uniform(0, longest)
