"""What the rooms hand each other: messages, exports, requests and how they end. Pure."""
