"""What the delivery says around the report, and to the analysts when something is wrong."""

BUTTON_EXPIRING = "Успеть сегодня"
BUTTON_STUCK = "Список застрявших"
BUTTON_RECEIPT = "Откуда числа"
BUTTON_DAY_BEFORE = "День раньше"
BUTTON_WEEK_BEFORE = "Неделю назад"
BUTTON_SEND_AGAIN = "Отправить ещё раз"
PICTURE_MISSING = "Картинки в этот раз нет: её не удалось построить или отправить."
FILE_MISSING = "Таблицы здесь нет: файлы в этом чате запрещены или Telegram её не принял."
POSSIBLE_REPEAT = "Возможен повтор: на прошлую отправку Telegram не ответил."
NUMBERS_CHANGED = "Отчёт за {day} уточнён. {changes}."
REPORT_COMPLETED = "Отчёт за {day} теперь по полным данным."
NUMBER_CHANGED = "{name}: было {before}, стало {after}"
NUMBER_ABSENT = "«нет данных»"
UNTITLED = "без названия"
ONE_CHAT = "чат {chat}"
CHAT_FORMS = ("чат", "чата", "чатов")
ALERT_IN_DOUBT = (
    "Отчёт за {day}, {chats}: неизвестно, дошло ли сообщение ({kind}). "
    "Сам я больше не повторю. Причина: {reason}"
)
ALERT_HELD = (
    "Отчёт за {day}, {chats}: неизвестно, дошло ли сообщение ({kind}). "
    "Здесь настроено не повторять. Причина: {reason}"
)
ALERT_REFUSED = "Отчёт за {day}, {chats}: Telegram отказал ({kind}). Причина: {reason}"
ALERT_ASLEEP = "Отчёт за {day}, {chats}: не отправлен, подписка спит. Причина: {reason}"
ALERT_NOT_EDITABLE = (
    "Отчёт за {day}, {chats}: Telegram принял его и отправит позже сам. Исправить его там будет "
    "нельзя. Причина: {reason}"
)
ALERT_MISSED = (
    "Отчёт за {day} не ушёл до следующего утра: {chats} без него. Сам он больше не уйдёт, команда "
    "/report {iso} покажет его. Причина: {reason}"
)
ALERT_MARKUP = (
    "Отчёт за {day}: Telegram не разобрал разметку, текст ушёл без неё. Это ошибка в программе. "
    "Причина: {reason}"
)
ALERT_STATE = "Подписчики пропали, отчёт никому не уйдёт. {words}"
ALERT_BARRED = (
    "Чат {old} получал отчёт и стал чатом {chat} («{title}»), а тому право читать было отозвано. "
    "Отчёт туда не пойдёт. Пустить?"
)
BUTTON_LET_IN = "Пустить"
