"""The way in: records are taken, mapped, merged and told. Five verbs: take, map, merge, tell, settle."""
