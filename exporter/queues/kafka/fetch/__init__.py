"""Reading for a subscription: the lanes held, where reading begins in each lane, the records."""
