"""What the bot answers."""

BOT_COMMANDS = {
    "start": "Знакомство, приглашение",
    "init": "Получать отчёт каждое утро",
    "report": "Отчёт: последний или за день, как /report 2026-02-12",
    "stuck": "Кому звонить: список застрявших таблицей",
    "status": "Когда следующий отчёт и нет ли задержки",
    "client": "Клиент: где он сейчас, как /client 12345",
    "settings": "Звук, повторы, списки клиентов",
    "stop": "Больше не присылать отчёт",
    "help": "Что я умею",
}
BOT_HELP_INTRO = "Каждое утро я присылаю отчёт отдела продаж за вчера: картинку и вывод."
BOT_HELP_TIME = "Отчёт приходит {when}."
BOT_UNKNOWN_COMMAND = "Такой команды я не знаю. Что я умею: /help{suffix}"
BOT_NEUTRAL = "Этот бот работает по приглашению."
BOT_NO_ACCESS = "Нет доступа."
BOT_AT_MOSCOW_TIME = "каждый день в {time} по московскому времени"
BOT_AT_ZONE_TIME = "каждый день в {time} ({zone})"
BOT_SUBSCRIBED = "Готово! Отчёт будет приходить сюда {when}."
BOT_ALREADY_SUBSCRIBED = "Всё в порядке, подписка уже есть: отчёт приходит сюда {when}."
BOT_FIRST_AT_TIME = "Первый придёт {date} в {time}, за {day}."
BOT_FIRST_IS_READY = (
    "Самый свежий, за {day}, пришлю с ближайшей рассылкой, в течение нескольких минут."
)
BOT_FIRST_IS_LATE = "Отчёт за {day} задерживается, пришлю, как только будет."
BOT_HAS_NEWEST = "Следующий придёт {date} в {time}, за {day}. Последний покажет /report{suffix}"
BOT_REQUESTED = "Просьба передана. Напишу сюда, когда её рассмотрят."
BOT_STILL_WAITING = "Просьба уже передана, ответа пока нет. Напишу сюда, когда её рассмотрят."
BOT_REFUSED = "Просьбу отклонили."
BOT_INVITE_INVALID = "Приглашение не действует: оно одноразовое и на время. Попросите новое."
BOT_CHAT_ADMINS_ONLY = "Это может сделать только администратор чата."
BOT_STOPPED = "Хорошо, больше не присылаю. Вернуть отчёт: /init{suffix}"
BOT_NOT_SUBSCRIBED = "Подписки здесь нет. Получать отчёт: /init{suffix}"
BOT_ASLEEP = "Подписка выключена. Вернуть отчёт: /init{suffix}"
BOT_GREETING = "Здравствуйте! Получать отчёт: /init{suffix}. Что я умею: /help{suffix}"
BOT_ADDED = "Чтобы отчёт приходил в этот чат, администратор чата пишет /init{suffix}"
BOT_BAD_DAY = "Не понял день «{text}». Напишите, например, так: /report{suffix} {example}"
BOT_NO_REPORT = "За {day} отчёта нет."
BOT_NO_REPORT_NEWEST = "За {day} отчёта нет. Последний, за {newest}: /report{suffix}"
BOT_NO_REPORTS = "Отчётов пока нет."
BOT_NO_LIST = "За {day} списка нет."
BOT_BUTTON_NOW = "Как известно сейчас"
BOT_AS_NOW = "Отчёт за {day} по данным на сейчас."
BOT_SAME_NUMBERS = "Главные числа те же, что в отправленном отчёте."
BOT_NEVER_SENT = "Этот день не рассылался, сравнить не с чем."
BOT_STUCK_CAPTION = "Ждут дольше 24\u00a0ч на конец {day}: {count}."
BOT_STUCK_FORMS = ("случай", "случая", "случаев")
BOT_NOBODY_STUCK = "Дольше 24\u00a0ч на конец {day} никто не ждёт."
BOT_EXPIRING_COUNT = "Срок истекает {today}: {count}, на первом листе."
BOT_NOTHING_EXPIRES = "На {today} сроков нет."
BOT_ALL_EXPIRED = "Все сроки {today} уже вышли, их было {total}."
BOT_EXPIRING = "<b>Успеть сегодня</b>, с {time} {today}: {count}"
BOT_EXPIRING_NEXT = "<b>Успеть сегодня</b>, с {time} {today}: ближайшие {named} из {count}"
BOT_EXPIRING_CASE = "до {time} · {client} · {process}"
BOT_EXPIRING_AS_OF = "По данным на конец {day}: кого закрыли сегодня, здесь ещё есть."
BOT_STATUS_NEWEST = "Последний отчёт: за {day}."
BOT_STATUS_NEXT = "Следующий: {date} в {time} ({zone}), за {day}."
BOT_STATUS_LATE = "Отчёт за {day} задерживается."
BOT_STATUS_CUT = "{cause}. Жду остальное."
BOT_STATUS_WHOLE = "Данные за этот день полные."
BOT_STATUS_ON_TIME = "Задержки нет."
BOT_STATUS_SUBSCRIBED = "Подписка здесь включена."
BOT_STATUS_NOT_SUBSCRIBED = "Подписки здесь нет: /init{suffix}"
BOT_NAMED = "«{title}» ({kind}, {chat})"
BOT_REQUEST = "Чат просит отчёт: {who}.\nПустить?"
BOT_REQUESTS = "Отчёт {ask} {count}. Последние:"
BOT_ASK_FORMS = ("просит", "просят", "просят")
BOT_NOBODY_WAITS = "Больше никто не ждёт."
BOT_CHAT_FORMS = ("чат", "чата", "чатов")
BOT_ADDED_CHANNEL = (
    "Меня добавили в канал «{title}». Чтобы отчёт приходил туда, напишите в канале /init@{name}"
)
BOT_SETTINGS = "Настройки этого чата."
BOT_SETTING_NAMES = {
    "sound": "Звук: {value}.",
    "doubts": "Если неизвестно, дошло ли сообщение: {value}.",
    "lists": "Списки клиентов в этой группе: {value}.",
}
BOT_SETTING_WORDS = {
    "sound": {"always": "всегда", "news": "когда есть новости", "never": "никогда"},
    "doubts": {"repeat": "повторить один раз, с пометкой", "hold": "не повторять"},
    "lists": {"on": "показываю", "off": "не показываю"},
}
BOT_SETTING_BUTTONS = {
    "sound": {"always": "Звук всегда", "news": "Звук при новостях", "never": "Без звука"},
    "doubts": {"repeat": "Повторять", "hold": "Не повторять"},
    "lists": {"on": "Показывать списки", "off": "Не показывать списки"},
}
BOT_LISTS_OFF = (
    "Списки клиентов в этой группе выключены. Включает администратор группы: /settings{suffix}"
)
BOT_NO_CLIENT_ID = "Напишите номер клиента, например, так: /client{suffix} 12345"
BOT_NO_CLIENT = "Клиента «{client}» в данных по {day} нет."
BOT_CLIENT = "Клиент «{client}», по данным на конец {day}."
BOT_CLIENT_FIRST = "Первое событие: {at}."
BOT_CLIENT_EXPERIMENT = "В эксперименте с {at}."
BOT_CLIENT_PAID = "Первая оплата: {at}."
BOT_CLIENT_NEVER_PAID = "Оплат не было."
BOT_CLIENT_STUCK = "Ждёт: {process}, с {at}, {time}."
BOT_CLIENT_EXPIRES = "В работе: {process}, с {at}, срок {deadline}."
BOT_CLIENT_CLOSED = "Закрыто: {process}, с {at}, за {time} ({event})."
BOT_HOURS = "{hours}\u00a0ч"
BOT_MINUTES = "{minutes}\u00a0мин"
BOT_CLIENT_HELD = "В отчёте за {day} он в числах:"
BOT_CLIENT_NOT_HELD = "В числах отчёта его нет."
BOT_RECEIPT = "Откуда числа отчёта за {day}: {count}, у каждого свой список."
BOT_RECEIPT_CHANGED = (
    "Данные с тех пор уточнились: не сошлось {count}, они отмечены на первом листе."
)
BOT_NUMBERS_FORMS = ("число", "числа", "чисел")
BOT_NO_RECEIPT = "Откуда числа за {day}, уже не показать: события этого дня не хранятся."
BOT_CLIENT_EVENTS = "Последние события:"
BOT_REQUEST_UNTITLED = "без названия"
BOT_CHAT_KINDS = {
    "private": "личный",
    "group": "группа",
    "supergroup": "группа",
    "channel": "канал",
}
BOT_BUTTON_ALLOW = "Пустить"
BOT_BUTTON_REFUSE = "Отказать"
BOT_ALLOWED = "Чат «{title}» ({chat}) теперь получает отчёт."
BOT_REFUSED_TO_ADMIN = "Чату «{title}» ({chat}) отказано."
BOT_DECIDED_BEFORE = "Это уже решено."
BOT_SENDS_AGAIN = "Отправлю ещё раз с ближайшей рассылкой."
BOT_SENT_BEFORE = "Повтор не нужен: сообщение уже отправлено или отправляется."
BOT_OLD_BUTTON = "Эта кнопка больше не работает."
BOT_FAILED = "Не получилось ответить; ошибка записана. Попробуйте ещё раз позже."
