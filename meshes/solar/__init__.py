"""Find which sensor sees which part of the sky and what energy that brings."""
