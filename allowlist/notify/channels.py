"""From the notifications of workload files to channels; secrets come from environment variables only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from allowlist.notify.chat import Chat
from allowlist.notify.events import Event
from allowlist.notify.sending import Channel, ChannelFailed, Sender
from allowlist.notify.webhook import Webhook
from allowlist.observe.logs import LOG
from allowlist.store.moments import Clock
from allowlist.workload.document import ENVIRONMENT, Notification, Workload


def channels_of(
    workloads: Iterable[Workload], environ: Mapping[str, str], clock: Clock, sleep: Callable[[float], None]
) -> tuple[Channel, ...]:
    """One channel per address, however many workloads use it; a variable that is not set fails when it is used."""
    found: dict[str, tuple[Notification, dict[str, frozenset[str]]]] = {}
    for workload in workloads:
        for item in workload.notifications:
            name = f"{item.channel}:{item.url.removeprefix(ENVIRONMENT)}"
            wants = found.setdefault(name, (item, {}))[1]
            kinds = frozenset(item.events)
            before = wants.get(workload.name, kinds)
            wants[workload.name] = before | kinds if before and kinds else frozenset()
    return tuple(
        Channel(name=name, kind=item.channel, sender=_Late(item, environ, clock, sleep), wants=wants)
        for name, (item, wants) in found.items()
    )


@dataclass(frozen=True, slots=True)
class _Late:
    """Looks secrets up only when there is something to send."""

    item: Notification
    environ: Mapping[str, str]
    clock: Clock
    sleep: Callable[[float], None]

    def send(self, events: Sequence[Event], run: str) -> None:
        self._sender().send(events, run)

    def _sender(self) -> Sender:
        url = self._value(self.item.url)
        if self.item.channel == "webhook":
            secret = self._value(self.item.secret)
            return Webhook(url=url, secret=secret, clock=self.clock, sleep=self.sleep, environ=self.environ)
        return Chat(channel=self.item.channel, url=url)

    def _value(self, text: str) -> str:
        if not text.startswith(ENVIRONMENT):
            return text
        name = text.removeprefix(ENVIRONMENT)
        value = self.environ.get(name, "").strip()
        if not value:
            raise ChannelFailed(f"the environment variable {name} is not set")
        LOG.keep_secret(value)
        return value
