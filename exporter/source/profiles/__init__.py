"""Profiles: what is known of each, merged from what datasets said, and what each change tells."""
