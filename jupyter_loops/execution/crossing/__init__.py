"""Serialises values between an untrusted process and one that trusts nothing that it sends."""

from .change import put_back, same
from .classes import Classes
from .graph import decode, decode_error, encode, encode_error
from .kind import Receiving, Sending
from .packing import pack, unpack
from .plain_values import dumps, loads
from .refusal import NotPlainError, UnreadableError, UnsendableError

__all__ = [
    "Classes",
    "NotPlainError",
    "Receiving",
    "Sending",
    "UnreadableError",
    "UnsendableError",
    "decode",
    "decode_error",
    "dumps",
    "encode",
    "encode_error",
    "loads",
    "pack",
    "put_back",
    "same",
    "unpack",
]
