"""Slack, Teams, e-mail and whatever else apprise can reach (optional: ``allowlist[notify]``)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from allowlist.notify.events import Event
from allowlist.notify.message import text_of, title_of
from allowlist.notify.sending import ChannelFailed

_KINDS: Final = {
    "slack": ("NotifySlack",),
    "teams": ("NotifyWorkflows", "NotifyMSTeams"),
    "email": ("NotifyEmail", "NotifyOffice365", "NotifySES", "NotifySendGrid"),
}
"""Which of apprise's services a channel may turn out to be; ``apprise`` may be any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """``url`` is an address of apprise, or the one Slack or Teams gave out."""

    channel: str
    url: str

    def send(self, events: Sequence[Event], run: str) -> None:
        """Raises ChannelFailed, which never names the address."""
        del run
        try:
            import apprise
        except ImportError:
            raise ChannelFailed("apprise is not installed: pip install 'allowlist[notify]'") from None
        logging.getLogger("apprise").propagate = False
        service = apprise.Apprise.instantiate(self.url, asset=_asset(apprise), suppress_exceptions=True)
        if service is None:
            raise ChannelFailed("apprise cannot read its address")
        if type(service).__name__ not in _KINDS.get(self.channel, (type(service).__name__,)):
            raise ChannelFailed(f"its address is one for {service.service_name}, not for {self.channel}")
        capture: Any = apprise.LogCapture
        with capture(level=logging.WARNING) as said:
            done = service.notify(
                body=text_of(events), title=title_of(events), notify_type=_type_of(apprise, events)
            )
            reason = said.getvalue().strip().splitlines()
        if not done:
            raise ChannelFailed(reason[-1] if reason else "apprise could not deliver it")


def _asset(apprise: Any) -> Any:
    """No redirect is followed: what follows it is a GET without the message, and apprise calls its 200 delivered."""
    return apprise.AppriseAsset(
        app_id="allowlist", app_desc="egress allow lists", image_url_mask="", http_redirects=False
    )


def _type_of(apprise: Any, events: Sequence[Event]) -> Any:
    kinds = {event.kind for event in events}
    if "failed" in kinds:
        return apprise.NotifyType.FAILURE
    warns = kinds & {"drift", "rolled-back", "expiring"}
    return apprise.NotifyType.WARNING if warns else apprise.NotifyType.INFO
