"""Policies: effects, arguments, paths and estimates of one call -> allow, ask or deny. See docs/policies.md."""

from modelwright.policies.check import check
from modelwright.policies.loading import load
from modelwright.policies.policy import Explained, Policy

__all__ = ["Explained", "Policy", "check", "load"]
