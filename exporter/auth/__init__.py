"""How requests are authorised: one file per kind, and one authorizer that fetches and renews tokens."""
