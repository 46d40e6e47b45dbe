"""Follow the district over time."""

from typing import TYPE_CHECKING

__all__ = ["Twin"]

if TYPE_CHECKING:
    from twin.district_twin import Twin
else:

    def __getattr__(name: str) -> object:
        """Load the planner's face when it is asked for: other modules need no tables."""
        if name == "Twin":
            from twin.district_twin import Twin

            return Twin
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
