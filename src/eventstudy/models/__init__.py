"""Normal returns: designs, one least-squares kernel, abnormal returns, volatility filters."""
