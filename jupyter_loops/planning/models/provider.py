"""Every model provider behind one adapter: LiteLLM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.tool import Calling, Offer, ToolCall
from jupyter_loops.errors import ErrorClass, FeatureError, ModelError
from jupyter_loops.planning.tokens import estimate

from . import features, price_list, prompted_tools
from .client import load
from .features import BREAKS, SHORTER, STREAM, TOOLS, named, refused, tokens, without
from .provider_errors import classify, missing_key, unknown_model
from .response_filter import ResponseFilter, current
from .stream_accumulator import StalledStreamError, StreamAccumulator, answered, thoughts_of
from .token_usage import read
from .tool_call_assembler import ToolCallAssembler

_LOCAL_SERVERS = frozenset({"hosted_vllm", "lm_studio", "ollama", "ollama_chat", "llamafile"})  # all take a JSON schema
IDLE = 30.0  # seconds
_PER_TOKEN = 32  # characters; an answer that is longer than this for each token it was allowed is cut
PER_MESSAGE = 6  # tokens that a chat template may add to each message
ABOUT_TOOLS = 600  # tokens of a provider's own words about tools: Anthropic's are the most, with about 530


class LiteLLMModel:
    """One model by its LiteLLM name.

    With `api_base`, a name that LiteLLM does not know is taken as a model of that OpenAI-compatible
    server. A `price` given here goes before the list prices, and `unlisted` counts where there is none. `title` is
    what messages call the model.
    `stop` are texts that end an answer. `idle` are the seconds that an answer, once begun, may stand still.
    `calling` is how it calls tools, where that is known; otherwise LiteLLM's list says it, or else a refusal.
    """

    opening = "loading LiteLLM"  # what `open` does, for a person

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        unlisted: Price | None = None,
        window: int | None = None,
        title: str = "",
        stop: Sequence[str] = (),
        idle: float = IDLE,
        calling: Calling | None = None,
    ) -> None:
        self.name = title or name
        self.endpoint = api_base or ""
        self._base, self._key = api_base, api_key
        self._price, self._unlisted, self._window = price, unlisted, window
        self._stop, self._idle = list(stop), idle
        self._calling = calling
        self._full_name = self._model = name
        self._provider = ""
        self._refused = refused(name, self.endpoint)
        self._broken = 0  # streams in a row that broke off

    async def open(self) -> None:
        """Import LiteLLM off the event loop, and see that the model is known and has a key."""
        if not self._provider:
            await asyncio.to_thread(self._resolve)

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer once, without retries; `sampling.timeout` bounds the whole call."""
        await self.open()
        original, prompt = prompt, self._in_plain_messages(prompt)
        longest = features.cap(self._full_name, self.endpoint) or sampling.max_tokens
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, longest))
        request = without(self._request(prompt, sampling, stream=on_text is not None), self._refused)
        wire = ResponseFilter(name=self.name, tokens=sampling.max_tokens, streaming="stream" in request)
        sending = current.set(wire)
        try:
            async with asyncio.timeout(sampling.timeout):
                answer = await (
                    self._stream(request, on_text) if on_text and "stream" in request else self._ask(request, on_text)
                )
        except asyncio.CancelledError as stopped:
            stopped.args = (wire.charge(),)
            raise
        except TimeoutError:
            late = f"{self.name} did not answer within {sampling.timeout:g} s"
            fault = ModelError(late, ErrorClass.TRANSIENT, taken_up=True)
            fault.arrived = wire.charge()
            raise fault from None
        except Exception as error:  # noqa: BLE001 - LiteLLM lets through whatever its providers raise
            fault = wire.fault or (error if isinstance(error, ModelError) else self._fault(error, request))
            fault.arrived = wire.charge()
            fault.taken_up = fault.taken_up or fault.arrived > 0
            raise fault from None
        finally:
            current.reset(sending)
        regained = features.regained(self._full_name, self.endpoint, request)
        calls = answer.calls or self._written(answer.text, original)
        return replace(answer, regained=regained, calls=calls, pause=wire.pause)

    def _written(self, text: str, prompt: Prompt) -> tuple[ToolCall, ...]:
        """Calls in words; models that have tool calls of their own write some that way all the same."""
        if not prompt.tools or not prompt.may_call or self.calling() is Calling.NEVER:
            return ()
        before = sum(len(message.calls) for message in prompt.messages)
        return prompted_tools.read_calls(text, [offer.name for offer in prompt.tools], before + 1)

    def calling(self) -> Calling:
        """How it calls tools. One whose name LiteLLM does not know is asked, and may refuse."""
        if self._calling is not None:
            return self._calling
        able = not self._entry() or load().supports_function_calling(self._model)
        return Calling.NATIVE if able and TOOLS not in self._refused else Calling.PROMPTED

    def _in_plain_messages(self, prompt: Prompt) -> Prompt:
        """The prompt in plain messages, where the endpoint has no tool calls."""
        if not prompt.tools or (how := self.calling()) is Calling.NATIVE:
            return prompt
        tools = prompt.tools if how is Calling.PROMPTED and prompt.may_call else ()
        return replace(prompt, messages=prompted_tools.plain_messages(prompt.messages, tools))

    def _fault(self, error: Exception, request: dict[str, Any]) -> ModelError:
        """What went wrong; a refused part of the request is remembered, so that the next one is without it."""
        fault = classify(error, self.name, api_base=self._base, api_key=self._key)
        if fault.kind is not ErrorClass.BAD_REQUEST:
            return fault
        feature = named(str(error), request)
        if feature in {None, SHORTER} and (most := self._capped(str(error), request)):
            longer = features.longer(most)
            return FeatureError(f"{self.name} does not give {longer} ({fault.message})", longer)
        return fault if feature is None else self._without(feature, fault.message)

    def _capped(self, message: str, request: dict[str, Any]) -> int | None:
        return features.capped(self._full_name, self.endpoint, message, tokens(request))

    def _without(self, feature: str, message: str, *, lasts: bool = True) -> FeatureError:
        self._refused.add(feature)
        without = f"{self.name} does not take {feature}, and is asked without from now on ({message})"
        return FeatureError(without, feature, lasts=lasts)

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:
        """Prompt tokens, by OpenAI's tokenizer for its own models, otherwise the larger of that and an estimate."""
        litellm = load()
        if tools:
            messages = prompted_tools.plain_messages(messages, tools)  # in words they take more than as JSON
        chat = [{"role": message.role, "content": message.content} for message in messages]
        counted = int(litellm.token_counter(model=self._model, messages=chat))
        about = ABOUT_TOOLS if tools else 0
        if self._provider in {"openai", "azure"}:
            return counted + about
        guessed = sum(estimate(message.content) + PER_MESSAGE for message in messages)
        return max(counted, guessed) + about

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:
        """By OpenAI's tokenizer, which LiteLLM brings along, for OpenAI's models; None for the others."""
        if self._provider not in {"openai", "azure"}:
            return None
        return [len(load().encode(model=self._model, text=text)) for text in texts]

    def price(self) -> Price | None:
        """The price that was given, or that a person corrected, or the dearer list price, or the unlisted one."""
        if fixed_price := self._price or price_list.corrected(self.name):
            return fixed_price
        return price_list.dearer(self._listed(), price_list.find(self._provider, self._model)) or self._unlisted

    def _listed(self) -> Price | None:
        """LiteLLM's list price."""
        entry = self._entry()
        if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
            return None
        return Price(
            prompt=entry["input_cost_per_token"],
            completion=entry["output_cost_per_token"],
            cached=entry.get("cache_read_input_token_cost"),
            reasoning=entry.get("output_cost_per_reasoning_token"),
            tiers=price_list.tiers(entry),
        )

    def window(self) -> int | None:
        """The window that was given, or else what LiteLLM lists, or None."""
        listed = self._entry().get("max_input_tokens") or self._entry().get("max_tokens")
        return self._window or (listed if isinstance(listed, int) else None)

    def varies(self) -> bool:
        """Yes."""
        return True

    def carried(self) -> frozenset[str] | None:
        """All."""
        return None

    def _resolve(self) -> None:
        try:
            litellm = load()
        except ImportError as error:
            raise ModelError(f"LiteLLM cannot be imported: {error}", ErrorClass.BAD_REQUEST) from error
        try:
            _, provider, _, _ = litellm.get_llm_provider(self._model)
        except litellm.BadRequestError:
            if self._base is None:
                raise unknown_model(self._model) from None
            self._model, provider = f"hosted_vllm/{self._model}", "hosted_vllm"
        if self._base is None and self._key is None:
            missing = litellm.validate_environment(self._model)["missing_keys"]
            # Clouds with credentials of their own (roles, profiles) list more than keys; only a call can tell.
            if missing and all(variable.endswith("_API_KEY") for variable in missing):
                raise missing_key(self.name, missing)
        self._provider = provider

    def _entry(self) -> dict[str, Any]:
        """What LiteLLM's own map lists for the model; empty when it does not, and before `open`."""
        if not self._provider:
            return {}
        listed: dict[str, dict[str, Any]] = load().model_cost
        for name in (self._model, self._model.partition("/")[2]):
            entry = listed.get(name, {})
            if entry.get("litellm_provider", "").startswith(self._provider):
                return entry
        return {}

    def _request(self, prompt: Prompt, sampling: Sampling, *, stream: bool) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [_written(message) for message in prompt.messages],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed,
            "timeout": sampling.timeout,
            "stop": self._stop or None,
            "api_base": self._base,
            "api_key": self._key,
            "stream": stream or None,
            "stream_options": {"include_usage": True} if stream else None,
            "num_retries": 0,
            "max_retries": 0,
        }
        if prompt.tools and self.calling() is Calling.NATIVE:
            request["tools"] = [offer.function for offer in prompt.tools]
            request["tool_choice"] = "auto" if prompt.may_call else "none"
            request["_skip_mcp_handler"] = (
                True  # LiteLLM looks for its gateway else, and needs the package mcp for that
            )
        if prompt.schema is not None and self._takes_schema() and not (prompt.tools and prompt.may_call):
            named = {"name": "targets", "schema": prompt.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        return {name: value for name, value in request.items() if value is not None}

    def _takes_schema(self) -> bool:
        return self._provider in _LOCAL_SERVERS or bool(load().supports_response_schema(self._model))

    async def _send(self, request: dict[str, Any]) -> Any:
        """The reply, or the stream of one."""
        return await load().acompletion(**request)

    async def _ask(self, request: dict[str, Any], on_text: Callable[[str], None] | None) -> Completion:
        started = time.perf_counter()
        reply = await self._send(request)
        seconds = time.perf_counter() - started
        if not reply.choices:
            raise ModelError(f"{self.name} sent an answer without choices", ErrorClass.MALFORMED, taken_up=True)
        choice = reply.choices[0]
        text, room = choice.message.content or "", _PER_TOKEN * tokens(request)
        refusal = not text and getattr(choice.message, "refusal", None)
        if on_text is not None and text:
            on_text(text)
        calls = _calls(getattr(choice.message, "tool_calls", None) or (), room).assembled(self.name)
        return self._completion(
            request,
            answered(text, thoughts_of(choice.message), calls=bool(calls)),
            getattr(reply, "usage", None),
            calls=calls,
            finish_reason="content_filter" if refusal else choice.finish_reason or "stop",
            seconds=seconds,
            model=reply.model or "",
        )

    async def _stream(self, request: dict[str, Any], on_text: Callable[[str], None]) -> Completion:
        started = time.perf_counter()
        accumulator = StreamAccumulator(on_text, room=_PER_TOKEN * tokens(request))
        stream = await self._send(request)
        stream.raise_on_model_repetition = lambda: (
            None
        )  # a long table may repeat itself, and the answer's room is bounded
        async with aclosing(stream):  # a cancelled call closes its connection, and the provider stops
            try:
                await accumulator.listen(stream, self._idle)
            except StalledStreamError:
                raise self._broke_off(f"stood still for {self._idle:g} s in the middle of its answer") from None
            except Exception:
                self._broken += bool(accumulator.pieces)
                if self._broken >= BREAKS:
                    raise self._without_streaming() from None
                raise
        if not accumulator.full and stream.received_finish_reason is None:
            raise self._broke_off("broke off in the middle of its answer")
        self._broken = 0
        usage = next((chunk.usage for chunk in reversed(stream.chunks) if getattr(chunk, "usage", None)), None)
        calls = accumulator.calls.assembled(self.name)
        return self._completion(
            request,
            answered("".join(accumulator.pieces), "".join(accumulator.thoughts), calls=bool(calls)),
            usage,
            calls=calls,
            finish_reason="length" if accumulator.full else stream.received_finish_reason,
            seconds=time.perf_counter() - started,
            first_token_seconds=accumulator.first and accumulator.first - started,
            model=(stream.chunks[0].model if stream.chunks else "") or "",
        )

    def _broke_off(self, how: str) -> ModelError:
        """Once may be the network; in a row it is the endpoint's way of streaming."""
        self._broken += 1
        if self._broken < BREAKS:
            return ModelError(f"{self.name} {how}", ErrorClass.TRANSIENT, taken_up=True)
        return self._without_streaming()

    def _without_streaming(self) -> FeatureError:
        return self._without(STREAM, f"{self._broken} answers in a row broke off", lasts=False)

    def _completion(self, request: dict[str, Any], text: str, usage: Any, **facts: Any) -> Completion:
        room = _PER_TOKEN * tokens(request)
        if len(text) > room:
            text, facts["finish_reason"] = text[:room], "length"
        wire = current.get()
        content = Message("assistant", text, calls=facts["calls"]).said["content"]
        arrived = max(wire.arrived if wire else 0, estimate(content))
        usages = wire.usages if wire and wire.usages else [usage.model_dump()] if usage else []
        bill = read(usages, arrived, tokens(request))
        messages = [Message(turn["role"], turn["content"] or "") for turn in request["messages"]]
        return Completion(
            text=text,
            prompt_tokens=bill.prompt or self.count(messages) + estimate(str(request.get("tools", ""))),
            completion_tokens=bill.completion,
            cached_tokens=bill.cached,
            reasoning_tokens=bill.reasoning,
            estimated=bill.estimated,
            **facts,
        )


def _written(message: Message) -> dict[str, Any]:
    """A message as the endpoints take it."""
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        turn["content"] = message.content or None
        turn["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    return turn | {"tool_call_id": message.answers} if message.answers else turn


def _calls(tool_calls: Sequence[Any], room: int) -> ToolCallAssembler:
    """The calls of an answer in one piece, as many as there is room for."""
    calls = ToolCallAssembler()
    for place, tool_call in enumerate(tool_calls):
        name, arguments = str(tool_call.function.name or ""), str(tool_call.function.arguments or "")
        room -= len(name) + len(arguments)
        if room < 0:
            break
        calls.take(place, str(tool_call.id or ""), name, arguments)
    return calls
