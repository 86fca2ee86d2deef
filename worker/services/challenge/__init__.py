"""Checking what others opened in provable jobs, accusing who is wrong, answering for oneself."""
