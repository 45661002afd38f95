"""The faults, one file a door: each breaks what is sound there, and knows how it is mended."""
