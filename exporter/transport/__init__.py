"""How exports reach an endpoint: the outbox decides which export is sent when, the transport sends."""
