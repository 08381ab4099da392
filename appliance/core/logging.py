"""Facts on stderr: past-tense events with keys, for people on a terminal and as JSON otherwise."""

import asyncio
import logging
import sys

import structlog

from appliance.core.settings_sections import Logging


def configure_logging(settings: Logging) -> None:
    """Set structlog and the standard library's logging up, once per process."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    for_people = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if for_people:
        # The library's own choice shows local variables, and those hold contents.
        plain = structlog.dev.plain_traceback
        renderer: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library; only what an operator must see passes, in the same form.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_drop_internals, *renderer])
    )
    handler.addFilter(_is_no_cancellation)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # httpx names every URL it calls, and PDF readers quote the document.
    for name in ("httpx", "httpcore", "pypdf", "PIL", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """SQLAlchemy's pool logs an error where work is cancelled in the middle of a query: that is how a box ends."""
    return not (record.exc_info and record.exc_info[0] and issubclass(record.exc_info[0], asyncio.CancelledError))


def _drop_internals(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(_logger, _method, event)  # pyright: ignore[reportArgumentType]
