"""Say what systems should do, how far they are from it, and what may be wrong."""
