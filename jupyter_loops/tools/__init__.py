"""The user's tools: functions that the planner may call. They run in the kernel, on live objects."""
