"""Let anybody who speaks SQL read packed statements.

The program itself unpacks them with `twin.store.postgres_packing`; these functions of the
server do the same, some microseconds a number, for foreign eyes and for checks.
"""

PACKED = (
    "times", "measures", "sources", "qualities", "versions", "sequences", "knowns", "stops",
    "revisions",
)  # fmt: skip
"""Packed columns of ``history``."""

OF_COLUMN = dict(
    zip(
        ("time", "value", "source", "quality", "version", "sequence", "known", "stops",
         "revision"),
        PACKED, strict=True,
    )
)  # fmt: skip
"""Packed column of each column of statements."""

_TOP = 2**63
_ALL = 2**64


def _bytes(place: str, count: int) -> str:
    """Return SQL for a number of some bytes, the least significant first."""
    parts = (f"(get_byte(r, {place} + {k})::bigint << {8 * k})" for k in range(count))
    return f"({' | '.join(parts)})"


_DEPARTURES = tuple(
    f"WHEN {width} THEN (SELECT array_agg({_bytes(f'36 + {width} * i', width)} ORDER BY i) "
    "FROM generate_series(0, many - 1) i)"
    for width in (1, 2, 4, 8)
)

SCHEMA = ":schema"
"""Stands in functions for the schema that they lie in. They name it where they call each
other, as whoever asks may look for functions elsewhere; to let the server set where to look
(``SET search_path``) takes 70 microseconds a pack."""

FUNCTIONS = (
    # In a variable the bytes lie in memory: else each look would fetch all of them.
    f"""
    CREATE OR REPLACE FUNCTION departures(packed bytea) RETURNS bigint[] LANGUAGE plpgsql
    IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        r bytea := packed || ''::bytea;
        many integer := {_bytes("8", 4)};
    BEGIN
        RETURN CASE get_byte(r, 5)
            WHEN 0 THEN (SELECT array_agg(0::bigint) FROM generate_series(1, many))
            {" ".join(_DEPARTURES)}
        END;
    END $$
    """,
    f"""
    CREATE OR REPLACE FUNCTION numbers(packed bytea) RETURNS bigint[] LANGUAGE plpgsql
    IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        r bytea := substring(packed FROM 1 FOR 36);
        start bigint := {_bytes("12", 8)};
        step bigint := {_bytes("20", 8)};
        unit bigint := {_bytes("28", 8)};
        many bigint := {_bytes("8", 4)};
    BEGIN
        IF get_byte(r, 5) < 8 AND abs(start::numeric) + abs(step::numeric) * many
                + unit::numeric * {2**32} < {_TOP} THEN
            RETURN (SELECT array_agg(start + step * (i - 1) + unit * d ORDER BY i)
                    FROM unnest({SCHEMA}.departures(packed)) WITH ORDINALITY u(d, i));
        END IF;
        -- What is over 64 bits falls away.
        RETURN (SELECT array_agg((CASE WHEN n < {_TOP} THEN n ELSE n - {_ALL} END)::bigint
                                 ORDER BY i)
                FROM unnest({SCHEMA}.departures(packed)) WITH ORDINALITY u(d, i), LATERAL (
                    SELECT mod(mod(start::numeric + step::numeric * (i - 1) + unit::numeric
                        * CASE WHEN d < 0 THEN d + {_ALL}::numeric ELSE d END, {_ALL})
                        + {_ALL}, {_ALL}) n) w);
    END $$
    """,
    f"""
    CREATE OR REPLACE FUNCTION measures(packed bytea) RETURNS double precision[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        r bytea := substring(packed FROM 1 FOR 36);
        places double precision := power(10::double precision, get_byte(r, 6));
        width int := get_byte(r, 5);
        gap bigint := CASE WHEN width BETWEEN 1 AND 4
                      THEN (1::bigint << (8 * width)) - 1 ELSE -1 END;
    BEGIN
        IF get_byte(r, 4) = 1 THEN
            RETURN (SELECT array_agg(CASE WHEN width = 0 OR d <> gap
                                     THEN n::double precision / places END ORDER BY i)
                    FROM unnest({SCHEMA}.numbers(packed), {SCHEMA}.departures(packed))
                    WITH ORDINALITY u(n, d, i));
        END IF;
        -- Sign, exponent and fraction of IEEE 754.
        RETURN (SELECT array_agg(CASE
                    WHEN e = 2047 AND f <> 0 THEN NULL
                    WHEN e = 2047 THEN s * 'Infinity'::double precision
                    WHEN e = 0 THEN s * f * power(2::double precision, -537)
                                    * power(2::double precision, -537)
                    WHEN e < 1023 THEN s * (f + {2**52}::double precision)
                                    * power(2::double precision, e - 1023)
                                    * power(2::double precision, -52)
                    ELSE s * ((f + {2**52}::double precision)
                                    * power(2::double precision, -52))
                                    * power(2::double precision, e - 1023)
                    END ORDER BY i)
                FROM unnest({SCHEMA}.departures(packed)) WITH ORDINALITY u(d, i), LATERAL (
                    SELECT CASE WHEN d < 0 THEN -1::double precision ELSE 1 END s,
                           (d >> 52 & 2047)::int e,
                           (d & {2**52 - 1})::double precision f) w);
    END $$
    """,
)
"""Functions of a twin's schema that unpack columns."""

STATEMENTS = f"""
    CREATE VIEW statements AS
    SELECT s.sequence, s.time, s.known, coalesce(e.stops, s.stops) AS stops, s.version,
           s.value, s.point, s.source, s.quality, s.revision
    FROM (
        SELECT sequence, time, known, {_TOP - 1}::bigint AS stops, version, value, point,
               source, quality, revision FROM recent
        UNION ALL
        SELECT u.sequence, u.time, u.known, u.stops, u.version, u.value, h.point,
               u.source::integer, u.quality::integer, u.revision::integer
        FROM history h CROSS JOIN LATERAL unnest(
            numbers(h.sequences), numbers(h.times), numbers(h.knowns), numbers(h.stops),
            numbers(h.versions), measures(h.measures), numbers(h.sources),
            numbers(h.qualities), numbers(h.revisions)
        ) u(sequence, time, known, stops, version, value, source, quality, revision)
    ) s LEFT JOIN superseded e USING (point, time, sequence)
"""
"""View of all statements as rows."""
