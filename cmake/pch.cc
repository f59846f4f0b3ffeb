// A target needs a source; this one exists to own a precompiled header.
