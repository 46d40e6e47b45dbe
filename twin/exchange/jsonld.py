"""Read JSON-LD whose context stands in the file itself, as a graph of nodes.

What of JSON-LD 1.1 models of buildings use is read: prefixes, terms with types, lists,
graphs and nodes within nodes, in compact, flat or expanded form. Contexts from the network
are refused: a file must mean the same tomorrow. Nothing else needs a library for RDF.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gis.errors import SourceError, TableError
from gis.sources import json_text

MOST_BYTES = 100_000_000
"""Bytes of a file; 5,000 points take four million."""

DEEPEST = 50
"""Nodes within nodes."""

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@dataclass(frozen=True)
class Reference:
    """Names another node."""

    iri: str


Value = Reference | str | float | bool | tuple["Value", ...]
"""What a property has: a node, a text, a number, or a list of them."""


@dataclass(frozen=True)
class Node:
    """A thing and what is said of it.

    Attributes
    ----------
    iri : str
        Its name; one that begins with ``_:`` is no name.
    said : dict
        Values of each property, under its whole address.
    """

    iri: str
    said: dict[str, list[Value]] = field(default_factory=dict)

    @property
    def types(self) -> set[str]:
        """Addresses of its classes."""
        return {value.iri for value in self.all(TYPE) if isinstance(value, Reference)}

    def all(self, prop: str) -> list[Value]:
        """Return the values of a property."""
        return self.said.get(prop, [])

    def one(self, prop: str) -> Value | None:
        """Return the value of a property, None without, the first of several."""
        return next(iter(self.all(prop)), None)

    def text(self, prop: str) -> str:
        """Return the text of a property, "" without."""
        value = self.one(prop)
        return value if isinstance(value, str) else ""

    def references(self, prop: str) -> list[str]:
        """Return the nodes that a property names."""
        return [value.iri for value in self.all(prop) if isinstance(value, Reference)]


@dataclass(frozen=True)
class _Context:
    """What short names stand for."""

    terms: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    vocabulary: str = ""
    base: str = ""

    def address(self, name: str, *, of_thing: bool = False) -> str:
        """Return the whole address of a short name, "" where it stands for nothing."""
        if name.startswith(("@", "_:")):
            return name
        if not of_thing and name in self.terms:
            return self.terms[name]
        prefix, colon, rest = name.partition(":")
        if colon:
            if rest.startswith("//") or prefix not in self.terms:
                return name
            return f"{self.terms[prefix]}{rest}"
        if of_thing:
            return f"{self.base}{name}"
        return f"{self.vocabulary}{name}" if self.vocabulary else ""


def read_nodes(path: Path) -> dict[str, Node]:
    """Read the nodes of a JSON-LD file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to Node
        By their names, in the order of the file.

    Raises
    ------
    SourceError
        If the file is missing, too large, or no JSON.
    TableError
        If it is no JSON-LD or needs a context that is not in it.
    """
    text, _ = json_text.decode(json_text.read_bytes(path, most=MOST_BYTES), path.name)
    return nodes_of(json_text.parse(text, path.name), path.name)


def nodes_of(document: object, name: str) -> dict[str, Node]:
    """Return the nodes of a parsed document.

    Parameters
    ----------
    document : object
        As `json.loads` gives it.
    name : str
        Of the file, for messages.

    Raises
    ------
    TableError
        As for `read_nodes`.
    """
    if not isinstance(document, (dict, list)):
        message = f"{name} must be JSON-LD, an object or a list, got {document!r:.40}"
        raise TableError(message)
    reader = _Reader(name)
    reader.take(document, _Context(), 0)
    return reader.nodes


class _Reader:
    """Collects nodes while it walks through a document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, Node] = {}
        self._nameless = 0

    def take(self, thing: object, context: _Context, depth: int) -> list[Value]:
        """Take a value of a document and return what it says."""
        if depth > DEEPEST:
            message = f"{self.name} must be nested at most {DEEPEST} deep; flatten it"
            raise TableError(message)
        if isinstance(thing, list):
            return [value for inner in thing for value in self.take(inner, context, depth)]
        if isinstance(thing, dict):
            return self._object(thing, context, depth)
        if isinstance(thing, (str, int, float)):
            return [thing]
        return []

    def _object(
        self, thing: dict[str, object], context: _Context, depth: int
    ) -> list[Value]:
        """Take an object: a value, a list, or a node."""
        if "@context" in thing:
            context = self._extended(context, thing["@context"])
        key = {context.address(word): word for word in thing if isinstance(word, str)}
        if "@value" in key:
            value = thing[key["@value"]]
            return [value] if isinstance(value, (str, int, float)) else []
        for word in ("@list", "@set"):
            if word in key:
                inner = self.take(thing[key[word]], context, depth + 1)
                return [tuple(inner)] if word == "@list" else list(inner)
        if set(key) - {"@context"} == {"@graph"}:
            return self.take(thing[key["@graph"]], context, depth + 1)
        return [Reference(self._node(thing, key, context, depth))]

    def _node(
        self,
        thing: dict[str, object],
        key: Mapping[str, str],
        context: _Context,
        depth: int,
    ) -> str:
        """Take a node and return its name."""
        given = thing[key["@id"]] if "@id" in key else None
        if given is not None and not isinstance(given, str):
            message = f"{self.name}: an @id must be text, got {given!r:.40}"
            raise TableError(message)
        if given is None:
            self._nameless += 1
            given = f"_:within-{self._nameless}"
        iri = context.address(given, of_thing=True)
        silent = ("", "@id", "@context")
        said = {address: word for address, word in key.items() if address not in silent}
        if not said:
            return iri
        node = self.nodes.setdefault(iri, Node(iri))
        for address, word in said.items():
            if address == "@type":
                node.said.setdefault(TYPE, []).extend(self._types(thing[word], context))
            elif address == "@graph":
                self.take(thing[word], context, depth + 1)
            elif address in ("@reverse", "@nest", "@included"):
                message = f"{self.name} must not use {address}; flatten it before"
                raise TableError(message)
            elif not address.startswith("@"):
                values = self._values(thing[word], word, context, depth)
                node.said.setdefault(address, []).extend(values)
        return iri

    def _types(self, thing: object, context: _Context) -> list[Value]:
        """Return the classes that a node names."""
        names = thing if isinstance(thing, list) else [thing]
        if not all(isinstance(name, str) for name in names):
            message = f"{self.name}: an @type must be text, got {thing!r:.40}"
            raise TableError(message)
        return [Reference(context.address(str(name)) or str(name)) for name in names]

    def _values(
        self, thing: object, word: str, context: _Context, depth: int
    ) -> list[Value]:
        """Return the values of a property of a node."""
        kind = context.kinds.get(word, "")
        values: list[Value] = []
        for inner in thing if isinstance(thing, list) else [thing]:
            if isinstance(inner, str) and kind in ("@id", "@vocab"):
                of_thing = kind == "@id"
                values.append(Reference(context.address(inner, of_thing=of_thing)))
            else:
                values += self.take(inner, context, depth + 1)
        return [tuple(values)] if word in context.lists else values

    def _extended(self, context: _Context, told: object) -> _Context:
        """Return a context with what another one adds."""
        for part in told if isinstance(told, list) else [told]:
            if part is None:
                context = _Context()
                continue
            if not isinstance(part, dict):
                message = (
                    f"{self.name} must hold its context itself, got {part!r:.60}; write it "
                    "out with the program that made it (expanded or flattened form)"
                )
                raise TableError(message)
            context = self._added(context, part)
        return context

    def _added(self, context: _Context, part: Mapping[str, object]) -> _Context:
        """Return a context with the terms of one object added."""
        terms, kinds, lists = dict(context.terms), dict(context.kinds), set(context.lists)
        plain: dict[str, str] = {}
        for word, meaning in part.items():
            if isinstance(meaning, dict):
                plain[word] = str(meaning.get("@id", word))
                kinds[word] = str(meaning.get("@type", ""))
                if meaning.get("@container") == "@list":
                    lists.add(word)
            elif isinstance(meaning, str):
                plain[word] = meaning
            elif meaning is not None and not word.startswith("@"):
                message = f"{self.name}: {word!r} of the context must be text or an object"
                raise TableError(message)
        vocabulary = plain.pop("@vocab", context.vocabulary)
        base = plain.pop("@base", context.base)
        # Terms may use each other in any order; a chain is as long as there are terms.
        known = {**terms, **{w: m for w, m in plain.items() if not w.startswith("@")}}
        for word in plain:
            if not word.startswith("@"):
                whole = _resolved(word, known, self.name)
                # A term that tells only its type has the address that it has without.
                bare = whole == word and ":" not in word
                terms[word] = f"{vocabulary}{word}" * bool(vocabulary) if bare else whole
        return _Context(terms, kinds, frozenset(lists), vocabulary, base)


def _resolved(word: str, known: Mapping[str, str], name: str) -> str:
    """Return the whole address of a term of a context."""
    meaning = known[word]
    for _ in range(DEEPEST):
        if meaning.startswith("@"):
            return meaning
        prefix, colon, rest = meaning.partition(":")
        if not colon and meaning in known and known[meaning] != meaning:
            meaning = known[meaning]
        elif colon and not rest.startswith("//") and prefix in known:
            step = f"{known[prefix]}{rest}"
            if step == meaning or len(step) > 10_000:
                break
            meaning = step
        else:
            return meaning
    message = (
        f"{name}: {word!r} of the context must lead to an address, it leads in a circle"
    )
    raise SourceError(message)
