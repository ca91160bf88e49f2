"""What must outlive the daemon beside its place in the queue, in two layers.

Below, behind ``port``, a store of each kind (``sqlite/``, ``redis/``), which every call asks. Above, once for all
kinds, ``DeadLetters`` of all destinations and ``DataflowLetters`` of one; memory answers what every event asks.
"""
