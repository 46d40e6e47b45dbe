"""Merge the triangles of any mesh to planar polygons."""
