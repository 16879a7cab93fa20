"""How long to wait before another try."""

import random


def full_jitter(
    tried: int, *, base_seconds: float, cap_seconds: float, rng: random.Random | None = None
) -> float:
    """Return a pause by exponential backoff with full jitter: uniform in 0…min(cap, base·2^tried) seconds.

    Those who collided once must not collide again in step [1]_.

    Parameters
    ----------
    tried : int
        How many tries have failed before the last one: 0 for the first pause.
    base_seconds, cap_seconds : float
        The longest first pause, and the longest of all.
    rng : Random, optional
        Where the jitter comes from.

    References
    ----------
    .. [1] Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
    """
    # Past 2^30 the exponent means nothing, and would overflow for a patient policy.
    longest = min(cap_seconds, base_seconds * 2 ** min(tried, 30))
    return (rng or random).uniform(0, longest)
