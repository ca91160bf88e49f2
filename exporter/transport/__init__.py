"""How exports reach an endpoint: the outbox decides what is sent when, the transport sends it."""
