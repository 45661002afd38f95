"""What a browser with JupyterLab says to a hub for one learner: REST with the learner's own token, and the websocket.

Everything goes through the hub's proxy. Messages are Jupyter's JSON form; JupyterLab packs the same into binary frames.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

Message = dict[str, Any]
_REST_S = 300.0
_LARGEST = 64 * 1024 * 1024


@dataclass(kw_only=True)
class Browser:
    """One learner's browser."""

    hub: str
    """The hub's address."""
    name: str
    """The learner's name at the hub."""
    token: str
    """The learner's token."""

    async def ask(self, path: str, method: str = "GET", content: object = None) -> HTTPResponse:
        """One request to the learner's own server. Raises HTTPClientError for what is no success."""
        request = HTTPRequest(
            f"{self.hub}/user/{self.name}/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}", "Accept-Encoding": "gzip"},
            body=None if content is None else json.dumps(content),
            request_timeout=_REST_S,
            connect_timeout=_REST_S,
            decompress_response=True,
        )
        return await AsyncHTTPClient().fetch(request)

    async def ask_json(self, path: str, method: str = "GET", content: object = None) -> Any:
        """The same, for an answer in JSON."""
        return json.loads((await self.ask(path, method, content)).body)

    async def open_kernel(self, path: str) -> "Kernel":
        """A kernel for that notebook, as JupyterLab starts one when the notebook is opened."""
        asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = await self.ask_json("api/sessions", "POST", asked)
        kernel_id, mine = session["kernel"]["id"], uuid.uuid4().hex
        address = f"{self.hub.replace('http', 'ws', 1)}/user/{self.name}/api/kernels/{kernel_id}/channels"
        request = HTTPRequest(
            f"{address}?session_id={mine}",
            headers={"Authorization": f"token {self.token}"},
            request_timeout=_REST_S,
            connect_timeout=_REST_S,
        )
        socket = await websocket_connect(request, max_message_size=_LARGEST)
        kernel = Kernel(browser=self, session_id=session["id"], kernel_id=kernel_id, mine=mine, socket=socket)
        await kernel.ask("kernel_info_request", {}, limit_s=_REST_S)
        return kernel


@dataclass(kw_only=True)
class Kernel:
    """A kernel behind its websocket."""

    browser: Browser
    """Whose it is."""
    session_id: str
    """The notebook's session at the server."""
    kernel_id: str
    """The kernel's id."""
    mine: str
    """The id of this client of it."""
    socket: WebSocketClientConnection
    """The websocket."""
    comms: dict[str, Message] = field(default_factory=dict)
    """The widgets of the page: their state, by the id of their comm."""

    def __post_init__(self) -> None:
        self._waiting: dict[str, asyncio.Queue[Message | None]] = {}
        self._reader = asyncio.create_task(self._read())

    async def ask(
        self,
        kind: str,
        content: Message,
        *,
        limit_s: float,
        told: Callable[[Message], object] = lambda _: None,
    ) -> Message | None:
        """Send a message; returns the reply (None for a kind that has none) once the kernel is idle after it.

        `told` gets every message that the kernel sends on its account. Raises TimeoutError, ConnectionError.
        """
        number = uuid.uuid4().hex
        header = {
            "msg_id": number,
            "msg_type": kind,
            "session": self.mine,
            "username": "",
            "version": "5.3",
            "date": "",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        inbox = self._waiting[number] = asyncio.Queue()
        await self.socket.write_message(json.dumps({**message, "buffers": []}))
        reply, idle = None, False
        try:
            async with asyncio.timeout(limit_s):
                while not idle or (kind.endswith("_request") and reply is None):
                    heard = await inbox.get()
                    if heard is None:
                        raise ConnectionError(f"{self.browser.name}: the websocket of the kernel closed")
                    told(heard)
                    if heard["msg_type"].endswith("_reply"):
                        reply = heard
                    idle = idle or (heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle")
        finally:
            del self._waiting[number]
        return reply

    async def close(self, *, shut_down: bool) -> None:
        """Close the page's connection, and the kernel with it if asked."""
        self._reader.cancel()
        self.socket.close()
        if shut_down:
            with suppress(HTTPClientError):  # it is gone already
                await self.browser.ask(f"api/sessions/{self.session_id}", "DELETE")

    async def _read(self) -> None:
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            self._keep(message)
            inbox = self._waiting.get(message["parent_header"].get("msg_id"))
            if inbox is not None:
                inbox.put_nowait({**message, "heard_at": time.perf_counter()})
        for inbox in self._waiting.values():
            inbox.put_nowait(None)

    def _keep(self, message: Message) -> None:
        """The page's copy of the widgets."""
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.comms[content["comm_id"]] = dict(content["data"].get("state", {}))
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
            self.comms.setdefault(content["comm_id"], {}).update(content["data"]["state"])
