"""``--log-format``: an option of the whole command line, so it is kept apart from what commands import."""

from __future__ import annotations

import click

from allowlist.observe.forms import FORMS, Form


def _set_log_format(context: click.Context, option: click.Parameter, form: Form | None) -> None:
    del context, option
    if form:
        from allowlist.observe.logs import LOG

        LOG.form = form


log_format_option = click.option(
    "--log-format",
    type=click.Choice(FORMS),
    envvar="ALLOWLIST_LOG_FORMAT",
    expose_value=False,
    is_eager=True,
    callback=_set_log_format,
    help="Narration on stderr as text or as JSON Lines.",
)
