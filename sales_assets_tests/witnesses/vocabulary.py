"""The processes, paths and experiments in the words of docs/metrics.md, written out anew.

Not taken from `sales_assets.core.journey`: a slip there has to show as a disagreement.
"""

REQUEST = "Создание заявки"
PURCHASE = "Покупка"
INTRO_LESSON = ("Назначение ВУ", "Выход МВУ на ВУ", "Успешный ВУ")
FIRST_LINE = ("Назначение задачи на звонок 1Л", "Ученик ответил на звонок оператора 1л")
SECOND_LINE = ("Назначена задача на вторую линию", "Дозвон 2Л")
EXPERIMENTS = (
    "Переход на ДУ (ДУ начался)",
    "ДУ завершен",
    "Отправка сообщения WA",
    "У ответил на сообщение WA",
)
#: (process, start, ends)
PROCESSES = (
    ("Открытые заявки", REQUEST, (*FIRST_LINE, *SECOND_LINE, *INTRO_LESSON, PURCHASE)),
    ("Первая линия", FIRST_LINE[0], (FIRST_LINE[1], PURCHASE)),
    ("Вторая линия", SECOND_LINE[0], (SECOND_LINE[1], PURCHASE)),
    ("Оплата ВУ", INTRO_LESSON[2], (PURCHASE, SECOND_LINE[0])),
)
#: What the daily values call them, in the same order.
PROCESS_KEYS = ("open_requests", "first_line", "second_line", "lesson_payment")
PATHS = {
    "main": (REQUEST, *INTRO_LESSON, PURCHASE),
    "first_line": (REQUEST, *FIRST_LINE),
}
