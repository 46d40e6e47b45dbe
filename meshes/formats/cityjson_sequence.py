"""Cut a CityJSON document into the lines of CityJSONSeq."""

from collections.abc import Iterator

from gis.sources.json_text import mapping, sequence

Json = dict[str, object]


def to_sequence(document: Json) -> list[Json]:
    """Cut a document into a line of metadata and one feature for each whole object.

    Parameters
    ----------
    document : dict
        CityJSON without appearance; every geometry bounds surfaces or repeats a template.

    Returns
    -------
    list of dict
        The first line without objects, then a ``CityJSONFeature`` for each object without
        parents, which holds it, its descendants and the vertices they use. All share the
        first line's transform and templates.
    """
    objects = {name: mapping(o) for name, o in mapping(document["CityObjects"]).items()}
    vertices = sequence(document["vertices"])
    lines = [{**document, "CityObjects": {}, "vertices": []}]
    for name, thing in objects.items():
        if thing.get("parents"):
            continue
        members = {key: dict(objects[key]) for key in _family(name, objects)}
        numbers: dict[int, int] = {}
        for member in members.values():
            if "geometry" in member:
                member["geometry"] = [
                    {**geometry, "boundaries": _renumbered(geometry["boundaries"], numbers)}
                    for geometry in map(mapping, sequence(member["geometry"]))
                ]
        lines.append(
            {
                "type": "CityJSONFeature",
                "id": name,
                "CityObjects": members,
                "vertices": [vertices[number] for number in numbers],
            }
        )
    return lines


def _family(name: str, objects: dict[str, Json]) -> Iterator[str]:
    """Yield an object and its descendants."""
    yield name
    for child in sequence(objects[name].get("children")):
        yield from _family(str(child), objects)


def _renumbered(thing: object, numbers: dict[int, int]) -> object:
    """Return nested vertex numbers counted anew in order of appearance."""
    if isinstance(thing, list):
        return [_renumbered(inner, numbers) for inner in thing]
    return numbers.setdefault(int(str(thing)), len(numbers))
