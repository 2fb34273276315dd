"""What the chief reads in the report: the picture, the caption, the spreadsheet."""

from sales_assets.core import journey

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
    journey.OPEN_REQUESTS: ("заявка не обработана", "заявки не обработаны", "заявок не обработано"),
    journey.FIRST_LINE: ("задача 1Л без ответа", "задачи 1Л без ответа", "задач 1Л без ответа"),
    journey.SECOND_LINE: ("задача 2Л без дозвона", "задачи 2Л без дозвона", "задач 2Л без дозвона"),
    journey.LESSON_PAYMENT: (
        "успешный ВУ без оплаты",
        "успешных ВУ без оплаты",
        "успешных ВУ без оплаты",
    ),
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
NEW_PAYING_LINE = "новых платящих {new}{compared}"
COMPARED_WITH = " ({comparisons})"
BREACHED_LINE = "{process}: {of_due} дольше 24 ч, обычно {usual}"
ALSO_BREACHED_LINE = "Дольше 24 ч ещё: {processes}"
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
