"""One durable step each: a model in, a model out, safe to run twice."""
