"""The other side of a shared Redis: does with channels_redis what it is told on its input, one JSON object a line.

What JSON does not have is an object with one key: {"$bytes": "00ff"}, {"$float": "inf"}. Whatever arrives at a channel
or a socket is collected at once, and handed out when it is asked for.
"""

import asyncio
import contextlib
import json
import logging
import math
import sys
import urllib.parse
import urllib.request

import websockets
from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import RedisError

LAYERS = {"core": RedisChannelLayer, "pubsub": RedisPubSubChannelLayer}


def to_json(value):
    match value:
        case bytes():
            return {"$bytes": value.hex()}
        case float() if not math.isfinite(value):
            return {"$float": str(value)}
        case dict():
            return {key: to_json(item) for key, item in value.items()}
        case list():
            return [to_json(item) for item in value]
    return value


def from_json(value):
    match value:
        case {"$bytes": text}:
            return bytes.fromhex(text)
        case {"$float": text}:
            return float(text)
        case dict():
            return {key: from_json(item) for key, item in value.items()}
        case list():
            return [from_json(item) for item in value]
    return value


class Collected:
    """What has arrived in one place."""

    def __init__(self, collecting):
        self.items = []
        self.changed = asyncio.Condition()
        self.task = asyncio.create_task(collecting(self))

    async def add(self, item):
        async with self.changed:
            self.items.append(to_json(item))
            self.changed.notify_all()

    async def take(self, count):
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.items) >= count)
        taken, self.items = self.items[:count], self.items[count:]
        return taken


class Peer:
    def __init__(self, layer, options):
        self.layer = LAYERS[layer](**options)
        self.places = {}
        self.sockets = {}

    def collect(self, channel):
        async def collecting(collected):
            while True:
                try:
                    await collected.add(await self.layer.receive(channel))
                except RedisError:
                    # A consumer would end here, and its client would come back.
                    await asyncio.sleep(0.05)

        self.places[channel] = Collected(collecting)
        return channel

    async def open(self):
        return self.collect(await self.layer.new_channel())

    async def listen(self, channel):
        return self.collect(channel)

    async def connect(self, url):
        socket = self.sockets[url] = await websockets.connect(url)

        async def collecting(collected):
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await collected.add(await socket.recv())

        self.places[url] = Collected(collecting)

    async def say(self, url, message):
        """Says something as a client of a chat does."""
        await self.sockets[url].send(json.dumps({"message": message}))

    async def post(self, url, form):
        """The status of the answer."""
        data = urllib.parse.urlencode(form).encode()
        response = await asyncio.to_thread(urllib.request.urlopen, url, data)
        return response.status

    async def take(self, place, count):
        """What has arrived, as soon as there is so much of it."""
        return await self.places[place].take(count)

    async def take_all(self, place):
        """What has arrived until now."""
        return await self.places[place].take(len(self.places[place].items))

    async def send(self, channel, message):
        await self.layer.send(channel, from_json(message))

    async def send_numbers(self, channel, first, count, **more):
        """How many were sent before the channel was full."""
        for n in range(first, first + count):
            try:
                await self.layer.send(channel, {"type": "number", "n": n, **more})
            except ChannelFull:
                return n - first
        return count

    async def group_add(self, group, channel):
        await self.layer.group_add(group, channel)

    async def group_discard(self, group, channel):
        await self.layer.group_discard(group, channel)

    async def group_send(self, group, message):
        await self.layer.group_send(group, from_json(message))

    async def group_send_numbers(self, group, first, count, **more):
        for n in range(first, first + count):
            await self.layer.group_send(group, {"type": "number", "n": n, **more})

    async def group_send_through(self, group, first, count):
        """A message each millisecond, whatever happens to Redis; which of them were sent."""
        sent = []
        for n in range(first, first + count):
            with contextlib.suppress(RedisError):
                await self.layer.group_send(group, {"type": "number", "n": n})
                sent.append(n)
            await asyncio.sleep(0.001)
        return sent


# That Redis is away is what some tests are about.
logging.getLogger("channels_redis").addHandler(logging.NullHandler())


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    peer = Peer(**json.loads(await lines.readline()))
    while line := await lines.readline():
        command = json.loads(line)
        do = getattr(peer, command.pop("do"))
        try:
            answer = {"done": await do(**command)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
