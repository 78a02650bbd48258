"""Tidings follows blogs, mails a digest, and publishes one combined feed."""

__version__ = "0.1.0"
