"""grpcio's client: ``python grpc_client.py TARGET WAY [CA|-] [PROXY]``. Prints what it saw of each call, as JSON."""

import base64
import json
import queue
import sys
from pathlib import Path

import grpc

TARGET, WAY, CA, PROXY = (*sys.argv[1:], *("-", "")[len(sys.argv) - 3 :])


def text(value):
    return "b64:" + base64.b64encode(value).decode() if isinstance(value, bytes) else value


def pairs(metadata):
    return [[name, text(value)] for name, value in metadata or ()]


def seen(call, messages, error=None):
    status = error or call
    return {
        "messages": [text(message) for message in messages],
        "initial": pairs(call.initial_metadata()),
        "trailing": pairs(call.trailing_metadata()),
        "code": str(status.code()),
        "details": status.details(),
    }


def metadata(name):
    return (("x-case", f"{WAY}-{name}"), ("x-sent", "1"), ("x-sent", "2"), ("x-sent-bin", b"\x00\x01"))


def main():
    options = [("grpc.http_proxy", PROXY)] if PROXY else [("grpc.enable_http_proxy", 0)]
    options.append(("grpc.default_authority", "localhost"))
    if CA == "-":
        channel = grpc.insecure_channel(TARGET, options)
    else:
        channel = grpc.secure_channel(TARGET, grpc.ssl_channel_credentials(Path(CA).read_bytes()), options)
    results = {}

    def unary(name, request, **more):
        call = channel.unary_unary(f"/wire.Echo/{name}").future(request, metadata=metadata(name), **more)
        try:
            results[name] = seen(call, [call.result()])
        except grpc.RpcError as error:
            results[name] = seen(call, [], error)

    def streaming(name, call):
        messages = []
        try:
            for message in call:
                messages.append(message)
            results[name] = seen(call, messages)
        except grpc.RpcError as error:
            results[name] = seen(call, messages, error)

    unary("Unary", b"hello")
    unary("Fail", b"hello")
    unary("Large", b"", timeout=60)
    unary("Slow", b"", timeout=0.5)
    unary("Missing", b"")
    streaming("FailLate", channel.unary_stream("/wire.Echo/FailLate")(b"", metadata=metadata("FailLate")))
    streaming("Download", channel.unary_stream("/wire.Echo/Download")(b"x", metadata=metadata("Download")))
    for name in ("Upload", "RefuseUpload"):
        parts = iter([b"a" * 70_000, b"b", b"", b"c"] if name == "Upload" else [b"one", b"two"])
        call = channel.stream_unary(f"/wire.Echo/{name}").future(parts, metadata=metadata(name))
        try:
            results[name] = seen(call, [call.result()])
        except grpc.RpcError as error:
            results[name] = seen(call, [], error)
    # Each word is said only once the answer to the one before has come.
    words = queue.Queue()
    call = channel.stream_stream("/wire.Echo/Chat")(iter(words.get, None), metadata=metadata("Chat"), timeout=60)
    answers = []
    try:
        for word in (b"one", b"two", b"three"):
            words.put(word)
            answers.append(next(call))
        words.put(None)
        answers += list(call)
        results["Chat"] = seen(call, answers)
    except grpc.RpcError as error:
        words.put(None)
        results["Chat"] = seen(call, answers, error)
    # A caller that goes away.
    call = channel.unary_stream("/wire.Echo/Chat")(b"bye", metadata=metadata("Cancel"))
    call.cancel()
    results["Cancel"] = {"code": str(call.code())}
    print(json.dumps(results))


main()
