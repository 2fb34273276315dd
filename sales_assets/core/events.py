"""The customer journey's vocabulary: event types, processes, funnel paths."""

from dataclasses import dataclass

from sales_assets.core import russian as ru

INTRO_LESSON = (ru.LESSON_APPOINTED, ru.LESSON_ATTENDED, ru.LESSON_SUCCEEDED)
FIRST_LINE = (ru.FIRST_LINE_TASK, ru.FIRST_LINE_ANSWERED)
SECOND_LINE = (ru.SECOND_LINE_TASK, ru.SECOND_LINE_REACHED)
EXPERIMENTS = (
    ru.DEMO_LESSON_STARTED,
    ru.DEMO_LESSON_FINISHED,
    ru.WHATSAPP_SENT,
    ru.WHATSAPP_ANSWERED,
)
#: Every type that a definition in docs/metrics.md names, in the order of the ideal journey.
EVENT_TYPES = (
    ru.REQUEST_CREATED,
    *FIRST_LINE,
    *INTRO_LESSON,
    *SECOND_LINE,
    ru.PURCHASE,
    *EXPERIMENTS,
)


@dataclass(frozen=True)
class Process:
    """A promise of 24 hours: `start` opens a case, the first of `ends` closes it."""

    name: str
    start: str
    ends: tuple[str, ...]


#: In the order in which a client meets them; the picture keeps it.
PROCESSES = (
    Process(
        ru.OPEN_REQUESTS,
        ru.REQUEST_CREATED,
        (*FIRST_LINE, *SECOND_LINE, *INTRO_LESSON, ru.PURCHASE),
    ),
    Process(ru.FIRST_LINE, ru.FIRST_LINE_TASK, (ru.FIRST_LINE_ANSWERED, ru.PURCHASE)),
    Process(ru.SECOND_LINE, ru.SECOND_LINE_TASK, (ru.SECOND_LINE_REACHED, ru.PURCHASE)),
    Process(ru.LESSON_PAYMENT, ru.LESSON_SUCCEEDED, (ru.PURCHASE, ru.SECOND_LINE_TASK)),
)

MAIN_PATH = "main"
FIRST_LINE_PATH = "first_line"
#: Closed, ordered funnels; the first step of each is the entry.
PATHS = {
    MAIN_PATH: (ru.REQUEST_CREATED, *INTRO_LESSON, ru.PURCHASE),
    FIRST_LINE_PATH: (ru.REQUEST_CREATED, *FIRST_LINE),
}
ALL_GROUPS = "all"
