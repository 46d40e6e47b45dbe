"""Measure daylight: hours of sun, view of the sky, light of an overcast sky."""
