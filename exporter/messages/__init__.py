"""The values that rooms hand each other: messages, exports, requests and outcomes. Pure."""
