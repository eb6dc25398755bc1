"""Named fal.ai keys in the official CLI's store, followed by the running shell."""

__version__ = "0.1.0"
