"""What is decided of a request, in pure code: who may send it, what it holds, and how it is answered."""
