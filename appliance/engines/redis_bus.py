"""Events between processes over Redis or Valkey: one channel for each numbered database, a topic in each message.

Redis tells what is published to every database of a server (redis.io/docs, Pub/Sub), so the channel's name holds the
number: two appliances with a database each do not hear each other.
"""

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from appliance.engines.shared_bus import SharedBus, is_ending

_TIMEOUT_SECONDS = 2.0
_QUIET_SECONDS = 10.0


class RedisBus(SharedBus):
    """Publishes and listens; connects again by itself."""

    kind = "redis"
    failures = (RedisError, OSError, TimeoutError)

    def __init__(self, url: str) -> None:
        """`url`: `redis://[:password@]host:port/0`, or `rediss://` for TLS."""
        super().__init__()
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self.channel = f"appliance:events:{self._redis.get_connection_kwargs().get('db') or 0}"

    async def _send(self, data: bytes) -> None:
        await self._redis.publish(self.channel, data)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(self.channel)
            while not is_ending():
                message = await channel.get_message(timeout=_QUIET_SECONDS)
                if message is None:
                    # A connection that died without a word looks like silence.
                    await channel.ping()
                    message = await channel.get_message(timeout=_TIMEOUT_SECONDS)
                if message is None:
                    raise TimeoutError
                if message["type"] == "subscribe":
                    self._listening.set()
                elif message["type"] == "message":
                    self.receive(message["data"])

    async def _ask(self) -> None:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await self._redis.ping()

    async def __aexit__(self, *exception: object) -> None:
        """Stop listening and close every connection."""
        await super().__aexit__(*exception)
        await self._redis.aclose()
