"""Named fal.ai keys in the official CLI's store, followed by the running shell."""

__version__ = "0.1.0"
__all__ = ["FalenvError", "ProfileInfo", "key", "profiles", "use"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.api import FalenvError, ProfileInfo, key, profiles, use


def __getattr__(name: str) -> object:
    """Import the functions for notebooks and scripts when they are first used (PEP 562)."""
    if name in __all__:
        from falenv import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
