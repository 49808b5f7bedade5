"""Articles: text to dated events, price observations and claims."""
