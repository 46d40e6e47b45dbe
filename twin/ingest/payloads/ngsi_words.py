"""Know the names that entities of context brokers use for what is no measurement."""

MEASUREMENT = "numValue"
"""The one number of a DeviceMeasurement; what it is stands in ``controlledProperty``."""

OBSERVED = ("observedAt", "timestamp", "TimeInstant", "dateObserved", "dateObservedFrom")
"""Names under which the time of a measurement comes, the surest first."""

MODIFIED = ("modifiedAt", "dateModified")
"""Names of the time when the broker was told: a rank of statements, at need a time."""

UNITS = ("unitCode", "unitText", "unit")

ABOUT = frozenset(
    (
        "id",
        "type",
        "@context",
        "scope",
        "createdAt",
        "dateCreated",
        "deletedAt",
        "expiresAt",
        "outlier",
        "refDevice",
        "controlledProperty",
        *OBSERVED,
        *MODIFIED,
    )
)
"""Members of an entity that say something of its measurements, and are none."""

NUMBERS = ("Number", "Float", "Integer")
"""Types of NGSIv2 attributes whose value is a number, even where it comes as text."""
