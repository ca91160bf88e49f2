"""A lean HTTP/1.1 transport of our own: one write a request, one parse an answer, one timer for all deadlines."""
