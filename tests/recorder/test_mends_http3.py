"""The first packet of QUIC is read although asserts are left out, as they are in the recorder's own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a process that imports mitmproxy

PROGRAM = """
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from mitmproxy.addons import next_layer
from mitmproxy.proxy.layers.quic import _stream_layers
from recorder.mends import mend

mend()
client = QuicConnection(configuration=QuicConfiguration(is_client=True, server_name="shop.test", alpn_protocols=["h3"]))
client.connect(("127.0.0.1", 1), now=0.0)
packets = [data for data, _ in client.datagrams_to_send(now=0.0)]
for module in (next_layer, _stream_layers):
    hello = module.quic_parse_client_hello_from_datagrams(packets)
    print(__debug__, hello.sni, hello.alpn_protocols)
"""


@pytest.mark.parametrize("flags", [["-O"], []], ids=["-O", "with asserts"])
def test_the_first_packet_is_read(flags: list[str]) -> None:
    house = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, *flags, "-W", "ignore", "-c", PROGRAM], cwd=house, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{not flags} shop.test [b'h3']\n" * 2
