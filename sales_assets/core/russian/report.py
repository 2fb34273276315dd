"""What the chief reads in the report: the picture, the caption, the spreadsheet."""

from sales_assets.core import journey

WEEKDAYS_SHORT = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
#: In the accusative, each with the ending of its adjective.
_WEEKDAYS = {
    "понедельник": "ый",
    "вторник": "ый",
    "среду": "ую",
    "четверг": "ый",
    "пятницу": "ую",
    "субботу": "ую",
    "воскресенье": "ое",
}
#: Answer "when": "обычно в субботу", "в прошлую субботу".
ON_WEEKDAY = tuple("во вторник" if day == "вторник" else f"в {day}" for day in _WEEKDAYS)
ON_LAST_WEEKDAY = tuple(f"в прошл{ending} {day}" for day, ending in _WEEKDAYS.items())
#: After "в": "обычную субботу".
USUAL_WEEKDAYS = tuple(f"обычн{ending} {day}" for day, ending in _WEEKDAYS.items())
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
    journey.OPEN_REQUESTS: ("заявка не обработана", "заявки не обработаны", "заявок не обработано"),
    journey.FIRST_LINE: ("задача 1Л без ответа", "задачи 1Л без ответа", "задач 1Л без ответа"),
    journey.SECOND_LINE: ("задача 2Л без дозвона", "задачи 2Л без дозвона", "задач 2Л без дозвона"),
    journey.LESSON_PAYMENT: (
        "успешный ВУ без оплаты",
        "успешных ВУ без оплаты",
        "успешных ВУ без оплаты",
    ),
}
BREACHED_VERDICT = "{counted} за сутки, {usual}"
BREACHED_SHORT = "{counted} за сутки"
#: Over several days; after the process's name.
BREACHED_WINDOWS = {
    journey.OPEN_REQUESTS: "не обработано",
    journey.FIRST_LINE: "без ответа",
    journey.SECOND_LINE: "без дозвона",
    journey.LESSON_PAYMENT: "без оплаты",
}
WINDOW_VERDICT = "{name}: за {days} {what}{value}, обычно {usual}"
WINDOW_SHORT = "{name}: за {days} {what}{value}"
OVER_DAYS = "за {days} {value}, обычно {usual}"
NEW_PAYING_FORMS = ("новый платящий", "новых платящих", "новых платящих")
NO_NEW_PAYING_VERDICT = "Ни одного нового платящего, {usual}"
FEW_NEW_PAYING_VERDICT = "Всего {counted}, {usual}"
MANY_NEW_PAYING_VERDICT = "{counted}, {usual}"
REQUEST_FORMS = ("заявка", "заявки", "заявок")
FEW_REQUESTS_VERDICT = "Всего {counted}, {usual}"
MANY_REQUESTS_VERDICT = "Заявок {value}, {usual}"
MANY_REQUESTS_ORDINARY_HANDLING = "Заявок {value}, {usual}: обработка при этом обычная"
NEW_REQUESTS = "Новые заявки"
FUNNEL_VERDICT = "Заявки {days}: {step} {value}, обычно {usual}"
FUNNEL_SHORT = "Заявки {days}: {step} {value}"
#: The judged halves of the funnel; a number follows.
APPOINTED_CLIENTS = "ВУ назначен у"
PAID_OF_APPOINTED = "купили из назначенных ВУ"
STORY_DAY = "{number}-й день: {text}"
#: For a text that has a colon of its own.
STORY_DAY_LAST = "{text}; {number}-й день"
STORY_DAY_DETAIL = "{number}-й день"
BACK_VERDICT = "{name}: снова как обычно"
ALL_MISSING_VERDICT = "Ни одна часть отчёта не посчитана"
MISSING_VERDICT = "Не посчитано: {parts}"
HOLIDAY_VERDICT = "Праздник: с обычными днями не сравниваем"
NOT_COUNTED = "{part}: не посчитано, {reason}"
YOUNG_VERDICT = "Сравнивать пока не с чем: данные с {day}"
NO_COMPARISON_VERDICT = "Сравнивать сегодня не с чем"
CALM_VERDICT = "Без заметных изменений"

#: Lines of the caption.
NEW_PAYING_LINE = "новых платящих {new}{compared}"
BREACHED_LINE = "{process}: {of_due} дольше 24\u00a0ч, {usual}"
REQUESTS_LINE = "новых заявок {value}, {beside}"
FLOW_AND_HANDLING = "В {weekday} {usual}: {parts}"
MORE_FLOW = "{flow} добавил поток, {handling} обработка"
USUAL_FLOW = "поток обычный, {handling} — обработка"
LESS_FLOW = "поток убавил {flow}, обработка добавила {handling}"
BROKEN_AS_A_RULE = "обещание 24\u00a0ч чаще не выполняется, чем выполняется"
BROKEN_LINE = "{processes}: " + BROKEN_AS_A_RULE
ALSO_BREACHED_LINE = "Дольше 24\u00a0ч ещё: {processes}"
MEAN_7D = "в среднем за 7 дней {mean}"

#: Notes about the data.
PART_NEW_PAYING = "новые платящие"
PART_PROCESSES = "процессы"
PART_EXPIRING = "сроки на сегодня"
PART_FUNNEL = "воронка"
PART_POPULATION = "сверка с CRM"
MISSING_NOTE = "Нет данных: {parts}"
BEFORE_HISTORY_NOTE = "Воронки за {cohort} ещё нет"
MISSING_FUNNEL = "воронка за {cohort}"
YOUNG_NOTE = "Сравнение с обычным уровнем появится {day}"
CUT_COHORT_NOTE = "Воронка за {cohort} неполна: данные с {day}"
NEW_SOURCE_NOTE = "Данные с {day}: до {until} новыми выглядят и прежние клиенты"
SPOILED_NOTE = "Данные неполны или с ошибками: {days}; в сравнение не вошли"
YOUNG_RANGE_NOTE = "сравнение по {days}, границы широкие"
DAYS_DATIVE = ("дню", "дням", "дням")
CERTAIN_NOTE = "обрыв после {time} не был бы заметен"
CERTAINTY_UNKNOWN_NOTE = "полнота данных пока не проверяется"
SET_ASIDE_NOTE = "{set_aside} {rows} из {total}: {kinds}"
SET_ASIDE_FORMS = ("Отложена", "Отложено", "Отложено")
AND_MORE = "и ещё {count}"
ROWS_FORMS = ("строка", "строки", "строк")
SET_ASIDE_KINDS = {
    "without_user": "без клиента",
    "without_time": "без времени",
    "unknown_type": "неизвестный тип",
    "duplicates": "повторы",
}
SET_ASIDE_OTHER = "прочие"
LATE_CAUSE_SENTENCE = "Отчёт за {day} задерживается. {cause}. Пришлю, как только будут."
LATE_SENTENCE = "Отчёт за {day} задерживается: {cause}. Пришлю, как только будет готов."
LATE_IN_PROGRESS = "отчёт ещё считается"
LATE_FAILED = "не удалось посчитать, разбираемся"

FUNNEL_HEADLINE = "купили в воронке"

#: Words on the picture.
NEW_PAYING_TITLE = "Новые платящие"
IN_EXPERIMENTS = "ещё {count} в экспериментах"
DAYS_FORMS = ("день", "дня", "дней")
DRAWN_DAYS = "{days}; фон — обычно для этого дня"
PROCESSES_TITLE = "Незакрытые процессы"
LONGER_THAN_24H = "дольше 24 ч"
WITHIN_24H = "уложились"
USUAL = "обычно"
DUE_ON_WEEKDAY = "срок вышел {when}:"
REQUESTS_OF_DAY = "Новых заявок {value}"
NOTHING_DUE = "сроков не было"
STILL_OVERDUE = "Ждут дольше 24 ч на конец дня: {count}"
NOBODY_OVERDUE = "Дольше 24 ч на конец дня никто не ждёт"
STILL_OVERDUE_OLD = "{count}, из них дольше 7 дней — {old}"
EXPIRING = "Успеть сегодня: {count}"
EXPIRING_LOADED = "Успеть сегодня, из загруженного: {count}"
EXPIRING_RAN_OUT = "ночью {count}"
EXPIRING_RAN_OUT_BY = "до {time} {count}"
RAN_OUT_FORMS = ("истёк", "истекли", "истекли")
EXPIRING_UNTIL = "до {time} — {count}"
EXPIRING_ALSO_UNTIL = "до {time} — ещё {count}"
EXPIRED = "Из {waiting} успели {met}"
YESTERDAYS_FORMS = ("вчерашнего", "вчерашних", "вчерашних")
EXPIRING_WITHOUT = "не посчитано: {processes}"
MISSING_EXPIRING = "Успеть сегодня: нет данных за {day}"
FUNNEL_TITLE = "Воронка по группам клиентов"
FUNNEL_SUMMARY = "Заявки {cohort}: {entries}, купили {bought}"
FUNNEL_GROUPS = "группы — по первым 24 ч"
FUNNEL_EMPTY = "Заявки {cohort}: заявок не было"
BRANCH_LEGEND = "↳ ветвь первой линии: записавшиеся сами её не проходят"
STEP_LABELS = {
    journey.REQUEST_CREATED: "Заявка",
    journey.FIRST_LINE_TASK: "Задача 1Л",
    journey.FIRST_LINE_ANSWERED: "Дозвон 1Л",
    journey.LESSON_APPOINTED: "Назначен ВУ",
    journey.LESSON_ATTENDED: "Выход на ВУ",
    journey.LESSON_SUCCEEDED: "Успешный ВУ",
    journey.PURCHASE: "Покупка",
}
MISSING_NEW_PAYING = "Новые платящие: нет данных за {day}"
MISSING_PROCESSES = "Незакрытые процессы: нет данных за {day}"
MISSING_FUNNEL_PART = "Воронка: нет данных за {cohort}"
MISSING_POPULATION = "Сверка с CRM: нет данных за {day}"
BRIDGE = "В CRM {active} − {experiments} в экспериментах = {left}"
DATA_UNTIL = "Данные до {time} {day}, {zone}"

#: Why a part can't be known, by `core.source_findings.Reason`.
REASONS = {
    "type_missing": "в источнике нет нужных событий",
    "experiments_missing": "не видно, кто в экспериментах",
    "unknown_ids": "у части событий неизвестный тип",
    "foreign_payers": "оплаты с чужими номерами клиентов",
    "no_hours": "у времени нет часов",
    "one_id": "у большинства строк один номер клиента",
    "payments_missing": "оплаты за день не загружены",
}

#: A day that is cut: what is said in place of a verdict, and of each number.
ENDS_EARLY = "Данные до {time}: дальше не загружено"
HOLE = "Нет данных с {since} до {until}"
EMPTY = "Данных за {day} нет"
AT_LEAST = "не меньше"
NOT_COUNTED_ROW = "не посчитано: {reason}"
AT_LEAST_DAY = "не меньше: день загружен не весь"
PROCESSES_BOUND = "День загружен не весь: дольше 24 ч и в ожидании — не больше"
FUNNEL_BOUND = "День загружен не весь: на каждом этапе — не меньше"

#: What the chief may ask the department; folded under the caption.
QUESTIONS_TITLE = "О чём спросить"
QUESTIONS = {
    journey.OPEN_REQUESTS: "Кто вчера разбирал новые заявки и с какого часа очередь росла?",
    journey.FIRST_LINE: "Кто вчера звонил на первой линии и сколько задач пришлось на каждого?",
    journey.SECOND_LINE: "Сколько попыток дозвона было у второй линии и в какие часы?",
    journey.LESSON_PAYMENT: "Кто ведёт учеников после успешного урока и что слышит об оплате?",
}
QUESTION_NEW_PAYING = "Работала ли вчера оплата, и что стало с теми, кто собирался платить?"
QUESTION_REQUESTS = "Работали ли сайт, формы и реклама?"
QUESTION_FUNNEL = "Что изменилось на этапе «{step}»: расписание, люди, сценарий?"

#: The lists of clients, as sheets.
EXPIRING_SHEET = "Успеть сегодня"
STUCK_SHEET = "Зависшие"
LISTS_TITLE = "Кому звонить"
COLUMN_PROCESS = "Процесс"
COLUMN_CLIENT = "Клиент"
COLUMN_OPENED = "Открыто"
COLUMN_DEADLINE = "Срок"
COLUMN_CLOSED = "Закрыто"
COLUMN_CLOSED_BY = "Чем закрыто"
COLUMN_FIRST_PAYMENT = "Первая оплата"
COLUMN_FIRST_REQUEST = "Первая заявка дня"
COLUMN_FIRST_EVENT = "Первое событие дня"
COLUMN_EVENTS = "Событий за день"
COLUMN_JOINED = "В эксперименте с"
COLUMN_GROUP = "Группа"
COLUMN_STEP = "{step}, когда"
IN_ZONE = "{title}, {zone}"
COLUMN_AGE = "Ждёт, ч"
COLUMN_STARTS = "Обращений"
COLUMN_NEW = "Новое за день"
ROWS_CUT = "Показаны первые {shown} строк из {total}; в итоге посчитаны все"

#: The receipt: where the numbers of the picture come from.
RECEIPT_TITLE = "Откуда числа"
NUMBERS_SHEET = "Числа"
NUMBERS_COLUMNS = ("Лист", "Число", "На картинке", "В книге", "Сошлось")
NUMBERS_NOTE = "На листе «Обычно» стоят числа прошлых дней: у каждого дня своя книга."
USUAL_SHEET = "Обычно"
IN_WEEKDAY = "В {weekday}"
SPLIT_FLOW = "Добавил поток"
SPLIT_HANDLING = "Добавила обработка"
USUAL_TOTAL = "{name}, за {days}"
COLUMN_NUMBER = "Число"
COLUMN_DAY = "День"
COLUMN_VALUE = "Значение"
COLUMN_OF = "Из"
FIGURE_LEARNED = "День учтён в «обычно»"
FIGURE_COMPARED = "Сравниваем"
FIGURE_USUAL = "Обычно столько"
FIGURE_LOW = "Обычно от"
FIGURE_HIGH = "Обычно до"
TOTAL = "Итого"
DRAWN_SHEET = "Новые за {days}"
OVERDUE_SHEET = "Ждут дольше 24 ч"
EXPIRED_SHEET = "Вчерашние сроки"
FUNNEL_SHEETS = {"main": "Воронка", "first_line": "Воронка, ветвь 1Л"}
ENTRY_SHEET = "Заявки {day}"
SET_ASIDE_SHEET = "Отложенные строки"
COLUMN_EVENT = "Событие"
COLUMN_TIME = "Когда"
FIGURE_IN_EXPERIMENTS = "В экспериментах"
FIGURE_DUE = "Срок вышел"
FIGURE_BREACHED = "Дольше 24 ч"
FIGURE_OVERDUE = "Ждут"
FIGURE_OVERDUE_OLD = "Дольше 7 дней"
FIGURE_RAN_OUT = "Истекли до {time}"
FIGURE_UNTIL = "До {time}"
FIGURE_ALSO_UNTIL = "Ещё до {time}"
FIGURE_WAITING = "Вчерашних"
FIGURE_MET = "Успели"
FIGURE_ACTIVE = "В CRM"
FIGURE_LEFT = "В отчёте"
YES = "да"
NO = "нет"
