"""What the delivery says around the report, and to the analysts when something is wrong."""

BUTTON_STUCK = "Список застрявших"
BUTTON_DAY_BEFORE = "День раньше"
BUTTON_WEEK_BEFORE = "Неделю назад"
BUTTON_SEND_AGAIN = "Отправить ещё раз"
PICTURE_MISSING = "Картинки в этот раз нет: её не удалось построить или отправить."
POSSIBLE_REPEAT = "Возможен повтор: на прошлую отправку Telegram не ответил."
NUMBERS_CHANGED = "Отчёт за {day} уточнён. {changes}."
NUMBER_CHANGED = "{name}: было {before}, стало {after}"
NUMBER_ABSENT = "нет данных"
NOTHING_MORE = "—"
ALERT_IN_DOUBT = (
    "Отчёт за {day}, чат {chat}: неизвестно, дошло ли сообщение ({kind}). "
    "Сам я больше не повторю. Причина: {reason}"
)
ALERT_HELD = (
    "Отчёт за {day}, чат {chat}: неизвестно, дошло ли сообщение ({kind}). "
    "Этот чат настроен не повторять. Причина: {reason}"
)
ALERT_REFUSED = "Отчёт за {day}, чат {chat}: Telegram отказал ({kind}). Причина: {reason}"
ALERT_ASLEEP = "Чат {chat} больше не получает отчёт, подписка спит. Причина: {reason}"
ALERT_MISSED = (
    "Отчёт за {day} не ушёл до следующего утра: {chats} без него. Сам он больше не уйдёт, команда "
    "/report {iso} покажет его. Причина: {reason}"
)
CHAT_FORMS = ("чат", "чата", "чатов")
ALERT_MARKUP = (
    "Отчёт за {day}: Telegram не разобрал разметку, текст ушёл без неё. Это ошибка в программе. "
    "Причина: {reason}"
)
