"""The chain: loads stages by path, runs them in order, keeps what they say."""
