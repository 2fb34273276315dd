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

# --- Demo data: types that the dictionary knows and no definition names -----------------------

CABINET_OPENED = "Вход в личный кабинет"
LESSON_MOVED = "Перенос ВУ"
LESSON_CANCELLED = "Отмена ВУ"
SUPPORT_ASKED = "Обращение в поддержку"

# --- The report ------------------------------------------------------------------------------

WEEKDAYS_SHORT = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
#: Answers "when": "обычно в субботу", "в прошлую субботу".
ON_WEEKDAY = (
    "в понедельник",
    "во вторник",
    "в среду",
    "в четверг",
    "в пятницу",
    "в субботу",
    "в воскресенье",
)
ON_LAST_WEEKDAY = (
    "в прошлый понедельник",
    "в прошлый вторник",
    "в прошлую среду",
    "в прошлый четверг",
    "в прошлую пятницу",
    "в прошлую субботу",
    "в прошлое воскресенье",
)
WEEKDAYS_PLURAL = (
    "понедельники",
    "вторники",
    "среды",
    "четверги",
    "пятницы",
    "субботы",
    "воскресенья",
)
MONTHS_GENITIVE = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)
AND = "и"
MOSCOW_TIME = "МСК"

TITLE = "Отдел продаж · {day}"
USUALLY = "обычно {usual}"
BREACHED_OF_DUE = "{breached} из {due}"

#: Verdicts; the plural forms go with 1, 2 and 5.
BREACHED_VERDICTS = {
    OPEN_REQUESTS: ("заявка не обработана", "заявки не обработаны", "заявок не обработано"),
    FIRST_LINE: ("задача 1Л без ответа", "задачи 1Л без ответа", "задач 1Л без ответа"),
    SECOND_LINE: ("задача 2Л без дозвона", "задачи 2Л без дозвона", "задач 2Л без дозвона"),
    LESSON_PAYMENT: ("успешный ВУ без оплаты", "успешных ВУ без оплаты", "успешных ВУ без оплаты"),
}
BREACHED_VERDICT = "{counted} за сутки, обычно {usual}"
NEW_PAYING_FORMS = ("новый платящий", "новых платящих", "новых платящих")
NO_NEW_PAYING_VERDICT = "Ни одного нового платящего, обычно {usual}"
FEW_NEW_PAYING_VERDICT = "Всего {counted}, обычно {usual}"
MANY_NEW_PAYING_VERDICT = "{counted}, обычно {usual}"
FUNNEL_VERDICT = "{step}: {share} заявок, обычно {usual}"
ALL_MISSING_VERDICT = "Ни одна часть отчёта не посчитана"
MISSING_VERDICT = "Не посчитано: {parts}"
HOLIDAY_VERDICT = "Праздник: с обычными днями не сравниваем"
YOUNG_VERDICT = "Сравнивать пока не с чем: данные с {day}"
NO_COMPARISON_VERDICT = "Сравнивать сегодня не с чем"
CALM_VERDICT = "Без заметных изменений"

#: Lines of the caption.
NEW_PAYING_LINE = "{day}: новых платящих {new}{compared}"
COMPARED_WITH = " ({comparisons})"
NO_NEW_PAYING_LINE = "{day}"
BREACHED_LINE = "{process}: {breached} из {due} дольше 24 ч, обычно {usual}"
ALSO_BREACHED_LINE = "Дольше 24 ч ещё: {processes}"
ALSO_BREACHED = "{process} {breached} из {due}"
FUNNEL_LINE = "Воронка, заявки {cohort}: {step} {share}, обычно {usual}"
LAST_WEEK = "{when} {value}"
MEAN_7D = "в среднем за 7 дней {mean}"

#: Notes about the data.
PART_NEW_PAYING = "новые платящие"
PART_PROCESSES = "процессы"
PART_FUNNEL = "воронка"
PART_POPULATION = "сверка с CRM"
MISSING_NOTE = "Нет данных: {parts}"
BEFORE_HISTORY_NOTE = "Воронки за {cohort} ещё нет"
MISSING_FUNNEL = "воронка за {cohort}"
YOUNG_NOTE = "Сравнение с обычным уровнем появится {day}"
CUT_COHORT_NOTE = "Воронка за {cohort} неполна: данные с {day}"
NEW_SOURCE_NOTE = "Данные с {day}: до {until} новыми выглядят и прежние клиенты"
FLAWED_NOTE = "С ошибками в данных: {days}; в сравнение не вошли"
SET_ASIDE_NOTE = "Отложено {rows} из {total}: {kinds}"
AND_MORE = "и ещё {count}"
ROWS_FORMS = ("строка", "строки", "строк")
SET_ASIDE_KINDS = {
    "without_user": "без клиента {count}",
    "without_time": "без времени {count}",
    "unknown_type": "неизвестный тип {count}",
    "duplicates": "повторы {count}",
}
SET_ASIDE_OTHER = "прочие {count}"
LATE_SENTENCE = (
    "Отчёт за {day} задерживается: данные за вчера ещё не загружены. Пришлю, как только будут."
)

FUNNEL_HEADLINE = "купили в воронке"

#: Words on the picture.
NEW_PAYING_TITLE = "Новые платящие"
IN_EXPERIMENTS = "ещё {count} в экспериментах"
DAYS_RANGE = "{days}: от {low} до {high}"
DAYS_SAME = "{days}: ровно {low}"
DAYS_FORMS = ("день", "дня", "дней")
DARKER_WEEKDAYS = "темнее — {weekdays}"
PROCESSES_TITLE = "Незакрытые процессы"
LONGER_THAN_24H = "дольше 24 ч"
WITHIN_24H = "уложились"
USUAL_ON_WEEKDAY = "обычно {when}"
NOTHING_DUE = "сроков не было"
STILL_OVERDUE = "Ждут дольше 24 ч на конец дня: {count}"
NOBODY_OVERDUE = "Дольше 24 ч на конец дня никто не ждёт"
STILL_OVERDUE_OLD = "{count}, из них дольше 7 дней — {old}"
FUNNEL_TITLE = "Воронка по группам клиентов"
FUNNEL_SUMMARY = "Заявки {cohort}: {entries}, купили {bought}"
FUNNEL_BOUGHT_SHARE = "{users} ({share})"
FUNNEL_EMPTY = "Заявки {cohort}: заявок не было"
FUNNEL_MOVE = "{step}: {share}, обычно {usual}"
BRANCH_LEGEND = "↳ ветвь первой линии: записавшиеся сами её не проходят"
STEP_LABELS = {
    REQUEST_CREATED: "Заявка",
    FIRST_LINE_TASK: "Задача 1Л",
    FIRST_LINE_ANSWERED: "Дозвон 1Л",
    LESSON_APPOINTED: "Назначен ВУ",
    LESSON_ATTENDED: "Выход на ВУ",
    LESSON_SUCCEEDED: "Успешный ВУ",
    PURCHASE: "Покупка",
}
MISSING_NEW_PAYING = "Новые платящие: нет данных за {day}"
MISSING_PROCESSES = "Незакрытые процессы: нет данных за {day}"
MISSING_FUNNEL_PART = "Воронка: нет данных за {cohort}"
MISSING_POPULATION = "Сверка с CRM: нет данных за {day}"
BRIDGE = "В CRM {active} − {experiments} в экспериментах = {left}"
DATA_UNTIL = "Данные до 00:00 {day}, {zone}"

#: The spreadsheet of stuck cases.
STUCK_SHEET = "Зависшие"
STUCK_COLUMNS = (
    "Процесс",
    "Клиент",
    "Открыто, {zone}",
    "Ждёт, ч",
    "Обращений",
    "Новое за день",
)
YES = "да"
NO = "нет"
# --- Delivery: what the report's messages say around the report -----------------------------

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

# --- The bot: what it answers ------------------------------------------------------------------

BOT_COMMANDS = {
    "start": "Знакомство, приглашение",
    "init": "Получать отчёт каждое утро",
    "report": "Отчёт: последний или за день, как /report 2026-02-12",
    "stuck": "Кому звонить: список зависших таблицей",
    "status": "Когда следующий отчёт и нет ли задержки",
    "stop": "Больше не присылать отчёт",
    "help": "Что я умею",
}
BOT_HELP_INTRO = "Каждое утро я присылаю отчёт отдела продаж за вчера: картинку и вывод."
BOT_HELP_LINE = "/{command} — {words}"
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
BOT_BAD_STUCK_DAY = "Не понял день «{text}». Напишите, например, так: /stuck{suffix} {example}"
BOT_DAY_NOT_OVER = "{day} ещё не кончилось. Последний законченный день: {newest}."
BOT_NO_REPORT = "За {day} отчёта нет."
BOT_NO_REPORT_NEWEST = "За {day} отчёта нет. Последний, за {newest}: /report{suffix}"
BOT_NO_REPORTS = "Отчётов пока нет."
BOT_NO_LIST = "За {day} списка нет."
BOT_BUTTON_NOW = "Как известно сейчас"
BOT_AS_NOW = "Отчёт за {day} по данным на сейчас."
BOT_SAME_NUMBERS = "Главные числа те же, что в отправленном отчёте."
BOT_NEVER_SENT = "Этот день не рассылался, сравнить не с чем."
BOT_STUCK_CAPTION = "Ждут дольше 24 ч на конец {day}: {count}."
BOT_STUCK_FORMS = ("случай", "случая", "случаев")
BOT_NOBODY_STUCK = "Дольше 24 ч на конец {day} никто не ждёт."
BOT_STATUS_NEWEST = "Последний отчёт: за {day}."
BOT_STATUS_NEXT = "Следующий: {date} в {time} ({zone}), за {day}."
BOT_STATUS_LATE = "Отчёт за {day} задерживается: данные за этот день ещё не готовы."
BOT_STATUS_ON_TIME = "Задержки нет."
BOT_STATUS_SUBSCRIBED = "Подписка здесь включена."
BOT_STATUS_NOT_SUBSCRIBED = "Подписки здесь нет: /init{suffix}"
BOT_REQUEST = "Чат просит отчёт: «{title}» ({kind}, {chat}).\nПустить?"
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
# --- The comparison with the old bot -----------------------------------------------------------

COMPARISON_TITLE = "Почему числа изменились"
COMPARISON_INTRO = (
    "Что показал бы прежний бот за этот день, какие правила с тех пор изменились и что каждое "
    "из них меняет. Правила меняются по одному, сверху вниз; последнее число стоит в отчёте."
)
COMPARISON_COLUMNS = ("Правило", "Число", "Разница")
OLD_PROCESS_STEP = (
    "Прежний бот: клиенты, у которых за день было начало и не было завершения, в любом порядке"
)
OLD_PAYING_STEP = "Прежний бот: клиенты, чья первая покупка пришлась на этот день"
DAY_BORDERS_STEP = "День целиком: события в 00:00:00 и в 23:59:59 больше не теряются"
CLOCK_STEP = "День по часам отчёта ({report}), а не базы ({source})"
EXPERIMENTS_STEP = (
    "Без тех, кто к концу дня уже был в эксперименте; кто вступил позже, в этом дне остаётся"
)
PROMISE_STEP = (
    "Обещание 24 часов: клиенты, чьи сутки с начала истекли в этот день, — вместо всех, кого не "
    "закрыли до полуночи"
)
NEW_PROCESS_STEP = (
    "Обращения вместо клиентов: завершение засчитывается только после начала, повтор не "
    "отодвигает срок. Это число в отчёте"
)
NEW_PAYING_STEP = "Это число в отчёте"
COMPARISON_FUNNEL_INTRO = (
    "Прежний бот складывал всех, у кого событие случилось в этот день, — это разные люди, и этап "
    "мог оказаться больше предыдущего. Отчёт ведёт клиентов, оставивших заявку {cohort}, "
    "семь дней от заявки и по порядку этапов."
)
COMPARISON_FUNNEL_COLUMNS = (
    "Этап",
    "Прежний бот",
    "От предыдущего этапа",
    "Отчёт",
    "От заявок",
)
COMPARISON_KNOWN_UNTIL = "Вступления в эксперименты прежний бот видел бы по {day} включительно."
COMPARISON_UNFINISHED = (
    "По часам базы этот день ещё не окончен: числа прежнего бота посчитаны по {day}."
)
