"""Every Russian word of the product: the source's event names and all that the chief reads.

A test greps the package for Cyrillic anywhere else.
"""

# --- Events, as the source's dictionary spells them ---------------------------------------

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

# --- Processes, as the chief calls them ----------------------------------------------------

OPEN_REQUESTS = "Открытые заявки"
FIRST_LINE = "Первая линия"
SECOND_LINE = "Вторая линия"
LESSON_PAYMENT = "Оплата ВУ"

# --- Groups of clients ----------------------------------------------------------------------

GROUP_BOOKED_THEMSELVES = "записались сами"
GROUP_REACHED = "дозвонились"
GROUP_CALLED_IN_VAIN = "звонили, не дозвонились"
GROUP_NO_REACTION = "без реакции 24 ч"
GROUP_FORMER_CLIENTS = "прежние клиенты"
GROUP_REPEATED = "повторные"
GROUP_AT_NIGHT = "ночные"
GROUP_ALL_REQUESTS = "все заявки"

# --- Delivery: what the report's messages say around the report -----------------------------

DAY_AND_MONTH = (
    "{day} января",
    "{day} февраля",
    "{day} марта",
    "{day} апреля",
    "{day} мая",
    "{day} июня",
    "{day} июля",
    "{day} августа",
    "{day} сентября",
    "{day} октября",
    "{day} ноября",
    "{day} декабря",
)
BUTTON_STUCK = "Список застрявших"
BUTTON_DAY_BEFORE = "День раньше"
BUTTON_WEEK_BEFORE = "Неделю назад"
BUTTON_SEND_AGAIN = "Отправить ещё раз"
PICTURE_MISSING = "Картинки в этот раз нет: её не удалось построить или отправить."
POSSIBLE_REPEAT = "Возможен повтор: на прошлую отправку Telegram не ответил."
NUMBERS_CHANGED = "Отчёт за {day} уточнён. {changes}."
NUMBER_CHANGED = "{name}: было {before}, стало {after}"
NUMBER_ABSENT = "нет данных"
REPORT_LATE = (
    "Отчёт за {day} задерживается: данные за вчера ещё не загружены. Пришлю, как только будут."
)
NOTHING_MORE = "—"
ALERT_IN_DOUBT = (
    "Отчёт за {day}, чат {chat}: неизвестно, дошло ли сообщение ({kind}). "
    "Дважды нет ответа от Telegram, сам я больше не повторю. Причина: {reason}"
)
ALERT_HELD = (
    "Отчёт за {day}, чат {chat}: неизвестно, дошло ли сообщение ({kind}). "
    "Этот чат настроен не повторять. Причина: {reason}"
)
ALERT_REFUSED = "Отчёт за {day}, чат {chat}: Telegram отказал ({kind}). Причина: {reason}"
ALERT_ASLEEP = "Чат {chat} больше не получает отчёт, подписка спит. Причина: {reason}"
ALERT_MARKUP = (
    "Отчёт за {day}: Telegram не разобрал разметку, текст ушёл без неё. Это ошибка в программе. "
    "Причина: {reason}"
)
