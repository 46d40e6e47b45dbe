"""Decide whether the parts of a model are sound bodies, and explain what is wrong."""

from meshes.predicates.codes import Code
from meshes.predicates.examination import Examination, examine, invalid_parts

__all__ = ["Code", "Examination", "examine", "invalid_parts"]
