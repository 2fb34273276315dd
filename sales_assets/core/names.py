"""Names that scripts outside rely on: assets, job, schedule and sensors; docs/assets.md."""

RAW_EVENTS = "raw_events"
HOURLY_COUNTS = "hourly_counts"
USER_HISTORY = "user_history"
CLEAN_EVENTS = "clean_events"
UNCLOSED_PROCESSES = "unclosed_processes"
STUCK_CASES = "stuck_cases"
EXPIRING_CASES = "expiring_cases"
CONVERSION_FUNNEL = "conversion_funnel"
DAILY_ACTIVITY = "daily_activity"
NEW_PAYING_USERS = "new_paying_users"
DAILY_VALUES = "daily_values"
DAILY_REPORT = "daily_report"
REPORT_DELIVERY = "report_delivery"

#: What is read and kept of the source.
EVENTS = (RAW_EVENTS, HOURLY_COUNTS, USER_HISTORY, CLEAN_EVENTS)

DAILY_REPORT_JOB = "daily_report_job"
DAILY_REPORT_SCHEDULE = "daily_report_schedule"
REPORT_DELIVERY_JOB = "report_delivery_job"
REPORT_DELIVERY_SENSOR = "report_delivery_sensor"
PARTIAL_REPORT_SENSOR = "partial_report_sensor"
SOURCE_READINESS_SENSOR = "source_readiness_sensor"

#: One alert a day tells the analysts why a report is late.
LATE_TOPIC = "late"
