"""From taken records to profiles and told events: map, merge, tell, settle."""
