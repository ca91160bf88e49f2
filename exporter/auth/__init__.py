"""How requests are authorised: a file for each kind, and the authorizer that fetches and renews tokens."""
