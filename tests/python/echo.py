"""Sends messages of many kinds to an echo server, with and without compression, and compares what comes back."""

import asyncio
import os
import sys

import websockets


async def echo(url, compression):
    async with websockets.connect(url, compression=compression, max_size=None) as socket:
        negotiated = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        assert ("permessage-deflate" in negotiated) == (compression is not None), negotiated
        messages = ["", "hello", "grüße 中 😀", "x" * 300, "ab" * 500_000, b"", b"\x00\xff", os.urandom(70_000)]
        for message in messages:
            await socket.send(message)
            assert await socket.recv() == message
        # Many under way at once come back in order.
        for n in range(500):
            await socket.send(str(n))
        for n in range(500):
            assert await socket.recv() == str(n)
        # In fragments.
        await socket.send(["frag", "men", "ted"])
        assert await socket.recv() == "fragmented"
        await (await socket.ping())


for compression in (None, "deflate"):
    asyncio.run(echo(sys.argv[1], compression))
print("ok")
