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
