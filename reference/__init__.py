"""The pages of docs/ that are made from the code: ``python -m reference`` writes them all, ``python -m reference NAME`` one."""
