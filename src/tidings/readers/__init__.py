"""Readers who help themselves, and lists of them: decisions without clock, disk or network."""
