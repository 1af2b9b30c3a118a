"""A chat: what is typed in one terminal appears in the other.

    DIRECTUS_TOKEN=… python chat.py http://localhost:8055 lobby Ann
    DIRECTUS_TOKEN=… python chat.py http://localhost:8055 lobby Bob

Ends with its input (Ctrl-D) or by Ctrl-C.
"""

import contextlib
import logging
import os
import sys

from directus_realtime import Client, DirectusRealtimeError, Event, set_log

SECONDS_TO_SEND = 10


class Chat:
    """The messages of a channel, as one user sees them."""

    def __init__(self, client: Client, channel: str, name: str) -> None:
        self.client, self.channel, self.name = client, channel, name
        # All ids, as they may not arrive in order when several users write at once.
        self.shown: set[int] = set()

    def join(self) -> None:
        self.client.on_state(self.on_state)
        query = {
            "filter": {"channel_id": {"_eq": self.channel}},
            "sort": ["id"],
            "limit": -1,
        }
        self.client.subscribe("messages", self.on_event, query=query, uid=f"chat-{self.channel}")

    def on_state(self, change) -> None:
        print("●" if change.state == "connected" else "○", change.message, flush=True)

    def on_event(self, event: Event) -> None:
        if event.type == "create":
            self.show(event.data)
        elif event.type == "init":
            # After a gap only the messages sent during it are new.
            for message in event.data:
                self.show(message)
        elif event.type == "error":
            print(f"! {event.data['message']}", flush=True)

    def show(self, message: dict) -> None:
        if message["id"] not in self.shown:
            self.shown.add(message["id"])
            who = message["user_name"]
            you = " (you)" if who == self.name else ""
            print(f"{who}{you}: {message['text']}", flush=True)

    def say(self, text: str) -> None:
        message = {"channel_id": self.channel, "text": text, "user_name": self.name}
        try:
            # Lines typed before the link is up wait for it.
            self.client.items("messages").create(message, timeout=SECONDS_TO_SEND)
        except DirectusRealtimeError as error:
            print(f"! not sent: {error}", flush=True)


def main(url: str, channel: str, name: str) -> None:
    # The program prints the state of the link itself.
    set_log(logging.CRITICAL)
    with Client(url, access_token=os.environ.get("DIRECTUS_TOKEN")) as client:
        chat = Chat(client, channel, name)
        chat.join()
        for line in sys.stdin:
            if line.strip():
                chat.say(line.strip())


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: DIRECTUS_TOKEN=... chat.py URL CHANNEL NAME")
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
