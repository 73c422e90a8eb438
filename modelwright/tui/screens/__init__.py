"""Whole screens: one file each, found by what stands at their top."""
