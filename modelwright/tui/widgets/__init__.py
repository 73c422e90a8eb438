"""Regions of the conversation: composer, plan, approval, live run, results."""
