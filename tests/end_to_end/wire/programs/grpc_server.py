"""A gRPC server of grpcio's: ``python grpc_server.py CHAIN KEY``. Prints its two ports as a JSON line."""

import json
import sys
from concurrent import futures
from pathlib import Path

import grpc

SECRETLESS = (("x-initial", "one"), ("x-raw-bin", b"\x00\xff\x10"))


def unary(request, context):
    context.send_initial_metadata(SECRETLESS)
    context.set_trailing_metadata((("x-trailing", "two"), ("x-trailing", "three"), ("x-end-bin", b"\xfe\x00")))
    seen = sorted((name, value) for name, value in context.invocation_metadata() if name.startswith("x-sent"))
    return request + b"|" + repr(seen).encode()


def failing(request, context):
    context.set_trailing_metadata((("x-why", "because"),))
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: caf\u00e9, 100 %")


def failing_late(request, context):
    yield b"first"
    yield b"second"
    context.abort(grpc.StatusCode.DATA_LOSS, "after two")


def download(request, context):
    for number in range(20):
        yield b"%d:" % number + request


def upload(requests, context):
    return b",".join(requests)


def refuse_upload(requests, context):
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough after " + next(requests).decode())


def chat(requests, context):
    for request in requests:
        yield b"you said " + request


def large(request, context):
    return bytes(range(250)) * 14_000


def slow(request, context):
    import threading

    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait(20)
    return b"too late"


METHODS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Fail": grpc.unary_unary_rpc_method_handler(failing),
    "FailLate": grpc.unary_stream_rpc_method_handler(failing_late),
    "Download": grpc.unary_stream_rpc_method_handler(download),
    "Upload": grpc.stream_unary_rpc_method_handler(upload),
    "RefuseUpload": grpc.stream_unary_rpc_method_handler(refuse_upload),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
    "Large": grpc.unary_unary_rpc_method_handler(large),
    "Slow": grpc.unary_unary_rpc_method_handler(slow),
}


def main():
    chain, key = (Path(path).read_bytes() for path in sys.argv[1:3])
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("wire.Echo", METHODS),))
    plain = server.add_insecure_port("127.0.0.1:0")
    tls = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    server.start()
    print(json.dumps({"event": "listening", "plain": plain, "tls": tls}), flush=True)
    server.wait_for_termination()


main()
