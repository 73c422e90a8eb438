"""When does guessing ahead pay: the arithmetic of speculative decoding (Leviathan et al. 2023, arXiv 2211.17192).

With a draft of g tokens, each accepted with probability a, one round gives (1 - a^(g+1)) / (1 - a) tokens (their
equation 1) and costs v + g c plain steps: v to read g + 1 tokens at once, c to guess one. Their theorem 3.8 has v = 1,
which holds on a GPU; on a processor a batch of five takes twice as long as one token, so v is measured.

Assumes that acceptance is the same at each place of a draft.
"""

from __future__ import annotations

LONGEST_DRAFT = 16


def tokens_a_round(acceptance: float, draft_tokens: int) -> float:
    """Expected tokens of one round, 1 to draft_tokens + 1."""
    if acceptance >= 1:
        return draft_tokens + 1.0
    return float((1 - acceptance ** (draft_tokens + 1)) / (1 - acceptance))


def acceptance_of(accepted: int, rejections: int) -> float | None:
    """The likeliest probability that one drafted token is accepted: tokens behind a refused one were never judged."""
    judged = accepted + rejections
    return accepted / judged if judged else None


def speed_up(acceptance: float, draft_tokens: int, verify_cost: float, draft_cost: float, share: float = 1.0) -> float:
    """Plain seconds over speculative seconds; the costs are in plain steps. Only a `share` of the rounds has a draft, as
    prompt lookup may find nothing; the others are plain steps."""
    gained = share * tokens_a_round(acceptance, draft_tokens) + 1 - share
    return gained / (share * (verify_cost + draft_tokens * draft_cost) + 1 - share)


def break_even(draft_tokens: int, verify_cost: float, draft_cost: float) -> float | None:
    """The acceptance at which it costs as much as it gives, by bisection; None when even 1 does not pay."""
    if speed_up(1.0, draft_tokens, verify_cost, draft_cost) < 1:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if speed_up(middle, draft_tokens, verify_cost, draft_cost) < 1 else (low, middle)
    return high


def best_draft(acceptance: float, draft_tokens: int, verify_cost: float, draft_cost: float, share: float = 1.0) -> tuple[int, float]:
    """The draft length of 1 to 16 with the highest expected speed-up, and that; reading is taken as linear in the length."""
    slope = (verify_cost - 1) / draft_tokens
    found = [(speed_up(acceptance, g, 1 + slope * g, draft_cost, share), -g) for g in range(1, LONGEST_DRAFT + 1)]
    gain, length = max(found)
    return -length, gain
