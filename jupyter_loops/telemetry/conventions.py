"""Every name that telemetry uses, in one table.

`gen_ai.*` and `error.type` are those of OpenTelemetry's semantic conventions for generative AI, in the repository
open-telemetry/semantic-conventions-genai, as of VERSION: token metrics are counters below
`gen_ai.client.inference.usage`, and the duration of a call is `gen_ai.client.inference.duration`. All of them have the
status "Development". `jupyter_loops.*` are our own.
"""

from __future__ import annotations

VERSION = "2026-10"

# Operations; a span is called OPERATION, or OPERATION and its object
RUN = "invoke_workflow"
PLAN = "plan"
CHAT = "chat"
TOOL = "execute_tool"
EXECUTE = "jupyter_loops.execute"
VERIFY = "jupyter_loops.verify"

# Attributes of the conventions
OPERATION_NAME = "gen_ai.operation.name"
WORKFLOW_NAME = "gen_ai.workflow.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOOL_NAME = "gen_ai.tool.name"
TOKEN_MODALITY = "gen_ai.token.modality"  # noqa: S105 - tokens of text
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
ERROR_TYPE = "error.type"
CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"  # the variable; off unless it is true

# Attributes of our own
RUN_ID = "jupyter_loops.run.id"
ROUND = "jupyter_loops.round"
PURPOSE = "jupyter_loops.purpose"
ISOLATION = "jupyter_loops.isolation"
EXIT = "jupyter_loops.exit"
STOP_REASON = "jupyter_loops.stop_reason"
ROUNDS = "jupyter_loops.rounds"
CHECKS_PASSED = "jupyter_loops.checks.passed"
CHECKS_TOTAL = "jupyter_loops.checks.total"
COST = "jupyter_loops.cost.usd"
BREAKER_STATE = "jupyter_loops.breaker.state"

# Metrics: name, unit, what it counts
INPUT_TOKEN_COUNTER = ("gen_ai.client.inference.usage.input_tokens", "{token}", "Prompt tokens")
OUTPUT_TOKEN_COUNTER = ("gen_ai.client.inference.usage.output_tokens", "{token}", "Completion tokens")
CACHED_TOKEN_COUNTER = (
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "{token}",
    "Prompt tokens that the provider had cached",
)
REASONING_TOKEN_COUNTER = (
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    "{token}",
    "Completion tokens spent on thinking",
)
DURATION_HISTOGRAM = ("gen_ai.client.inference.duration", "s", "Duration of a model call")
RUN_COUNTER = ("jupyter_loops.runs", "{run}", "Runs that ended, by stop reason")
ROUND_COUNTER = ("jupyter_loops.rounds", "{round}", "Rounds that were decided")
CHECK_COUNTER = ("jupyter_loops.checks", "{check}", "Checks that were run, by outcome")
COST_COUNTER = ("jupyter_loops.cost", "{USD}", "US dollars of model calls with a known price")
BREAKER_COUNTER = ("jupyter_loops.breaker.transitions", "{transition}", "Circuit breakers that changed their state")

_PROVIDERS = {  # how LiteLLM begins a model's name → the conventions' name of the provider
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "claude": "anthropic",
    "gemini": "gcp.gemini",
    "gguf": "llama_cpp",
    "gpt": "openai",
    "local": "llama_cpp",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}


def provider(model: str) -> str:
    """The provider of a model, as the conventions name it, from the name that a person chose it by."""
    prefix, slash, _ = model.partition("/")
    head = prefix if slash else prefix.partition(":")[0].partition("-")[0]
    return _PROVIDERS.get(head, head)
