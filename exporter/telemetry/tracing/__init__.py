"""Tracing: each attempt as a span of the event's trace, sent to a collector by OTLP over HTTP."""
