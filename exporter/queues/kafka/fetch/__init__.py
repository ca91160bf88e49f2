"""What one subscription reads: the lanes that it holds, where it begins in them, the records."""
