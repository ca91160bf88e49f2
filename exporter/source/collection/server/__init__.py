"""A lean HTTP/1.1 server: a single write an answer, no task a request, a single timer for all deadlines."""
