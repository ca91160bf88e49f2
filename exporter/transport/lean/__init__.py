"""A lean HTTP/1.1 transport: a single write a request, a single parse an answer, a single timer for all deadlines."""
