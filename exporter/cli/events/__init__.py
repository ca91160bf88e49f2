"""Files of events, as ``preview`` and ``send`` read them."""
