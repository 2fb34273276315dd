"""What the source is called, and what is made of it: event types, processes, paths, groups."""

from dataclasses import dataclass
from datetime import timedelta

#: Events, as the dictionary of the source spells them.
REQUEST_CREATED = "Создание заявки"
PURCHASE = "Покупка"
LESSON_APPOINTED = "Назначение ВУ"
LESSON_ATTENDED = "Выход МВУ на ВУ"
LESSON_SUCCEEDED = "Успешный ВУ"
FIRST_LINE_TASK = "Назначение задачи на звонок 1Л"
FIRST_LINE_ANSWERED = "Ученик ответил на звонок оператора 1л"
SECOND_LINE_TASK = "Назначена задача на вторую линию"
SECOND_LINE_REACHED = "Дозвон 2Л"
DEMO_LESSON_STARTED = "Переход на ДУ (ДУ начался)"
DEMO_LESSON_FINISHED = "ДУ завершен"
WHATSAPP_SENT = "Отправка сообщения WA"
WHATSAPP_ANSWERED = "У ответил на сообщение WA"

#: Small letters and digits that look like one of those above, or do as capitals.
LOOK_ALIKES = str.maketrans(
    "abcehkmnoprtuxy" + "αβγδεηκλμοπρτυφχ" + "036" + "liіӏ|",
    "авсенкмпоргтиху" + "авгденклмопртуфх" + "озб" + "11111",
)

#: Types that the dictionary may know and no definition names; the demo has them.
CABINET_OPENED = "Вход в личный кабинет"
LESSON_MOVED = "Перенос ВУ"
LESSON_CANCELLED = "Отмена ВУ"
SUPPORT_ASKED = "Обращение в поддержку"

#: Processes, as the chief calls them and the frames name them.
OPEN_REQUESTS = "Открытые заявки"
FIRST_LINE = "Первая линия"
SECOND_LINE = "Вторая линия"
LESSON_PAYMENT = "Оплата ВУ"

#: Groups of clients, by what happened to them.
GROUP_BOOKED_THEMSELVES = "записались сами"
GROUP_REACHED = "дозвонились"
GROUP_CALLED_IN_VAIN = "звонили, не дозвонились"
GROUP_NO_REACTION = "без реакции 24 ч"
#: The reactions to a request, the best first.
REACTIONS = (GROUP_BOOKED_THEMSELVES, GROUP_REACHED, GROUP_CALLED_IN_VAIN, GROUP_NO_REACTION)
GROUP_FORMER_CLIENTS = "прежние клиенты"
GROUP_REPEATED = "повторные"
GROUP_AT_NIGHT = "ночные"
GROUP_ALL_REQUESTS = "все заявки"

INTRO_LESSON_EVENTS = (LESSON_APPOINTED, LESSON_ATTENDED, LESSON_SUCCEEDED)
FIRST_LINE_EVENTS = (FIRST_LINE_TASK, FIRST_LINE_ANSWERED)
SECOND_LINE_EVENTS = (SECOND_LINE_TASK, SECOND_LINE_REACHED)
EXPERIMENTS = (DEMO_LESSON_STARTED, DEMO_LESSON_FINISHED, WHATSAPP_SENT, WHATSAPP_ANSWERED)
#: Every type that a definition in docs/metrics.md names, in the order of the ideal journey.
EVENT_TYPES = (
    REQUEST_CREATED,
    *FIRST_LINE_EVENTS,
    *INTRO_LESSON_EVENTS,
    *SECOND_LINE_EVENTS,
    PURCHASE,
    *EXPERIMENTS,
)


@dataclass(frozen=True)
class Process:
    """A promise: `start` opens a case, the first of `ends` closes it within `promise`.

    `key` names the process in settings, series and JSON, `name` in frames and on the picture.
    """

    key: str
    name: str
    start: str
    ends: tuple[str, ...]
    promise: timedelta = timedelta(hours=24)


#: In the order in which a client meets them; the picture keeps it.
PROCESSES = (
    Process(
        "open_requests",
        OPEN_REQUESTS,
        REQUEST_CREATED,
        (*FIRST_LINE_EVENTS, *SECOND_LINE_EVENTS, *INTRO_LESSON_EVENTS, PURCHASE),
    ),
    Process("first_line", FIRST_LINE, FIRST_LINE_TASK, (FIRST_LINE_ANSWERED, PURCHASE)),
    Process("second_line", SECOND_LINE, SECOND_LINE_TASK, (SECOND_LINE_REACHED, PURCHASE)),
    Process("lesson_payment", LESSON_PAYMENT, LESSON_SUCCEEDED, (PURCHASE, SECOND_LINE_TASK)),
)

MAIN_PATH = "main"
FIRST_LINE_PATH = "first_line"
#: Closed, ordered funnels; the first step of each is the entry.
PATHS = {
    MAIN_PATH: (REQUEST_CREATED, *INTRO_LESSON_EVENTS, PURCHASE),
    FIRST_LINE_PATH: (REQUEST_CREATED, *FIRST_LINE_EVENTS),
}
ALL_GROUPS = "all"
