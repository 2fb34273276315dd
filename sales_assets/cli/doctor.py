"""What the doctor looks at: source, storage, state and Telegram, each with a remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from sales_assets.adapters.files.day_records import read_findings, read_refusal
from sales_assets.adapters.files.frames import FrameStore, write_bytes
from sales_assets.adapters.files.stamps import ForeignSourceError, read_stamp, write_stamp
from sales_assets.adapters.history import History
from sales_assets.adapters.settings import Settings, environment_name
from sales_assets.adapters.source.choice import source_at
from sales_assets.bot.diagnosis import Diagnosis, telegram_findings
from sales_assets.cli.instance import prepare_home
from sales_assets.core import names
from sales_assets.core.completeness import CUT, in_words
from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.judgement.day_completeness import State
from sales_assets.definitions import first_day


def examine(settings: Settings, today: date) -> Iterator[Diagnosis]:
    """Yield what was found, in the order in which a report travels."""
    yesterday = today - timedelta(days=1)
    reports = partial(_newest_report, settings, yesterday)
    examinations: tuple[Callable[[], Iterable[Diagnosis]], ...] = (
        lambda: [Diagnosis(f"What is stored here is under {settings.var_dir}")],
        lambda: _source_findings(settings, yesterday),
        lambda: [Diagnosis(_storage(settings))],
        lambda: [Diagnosis(f"Dagster's home is {prepare_home(settings)}")],
        reports,
        lambda: telegram_findings(settings),
    )
    is_foreign, told = False, set()
    for look in examinations:
        if is_foreign and look is reports:
            continue  # another source's reports are nothing to be told of
        try:
            for finding in look():
                if finding not in told:
                    yield finding
                told.add(finding)
        except SalesAssetsError as error:
            yield Diagnosis(str(error), is_well=False)
            is_foreign |= isinstance(error, ForeignSourceError)


def _source_findings(settings: Settings, yesterday: date) -> Iterator[Diagnosis]:
    """Yield what there is to say of the source; what keeps it from being read is said once."""
    store = FrameStore(settings.storage)
    stamp = read_stamp(store)
    source = source_at(settings.source_url, settings)
    sentence, found = source.check(
        stamp.dictionary if stamp else {}, payers_without_events=settings.payers_without_events
    )
    yield Diagnosis(sentence)
    yield from (Diagnosis(one.sentence, is_well=not one.parts) for one in found)
    yield _first_partition(settings, yesterday)
    newest = [f"of {table} {time or 'none'}" for table, time in source.newest().items()]
    yield Diagnosis(f"The newest rows ({settings.report_zone}): {', '.join(newest)}")
    connect = partial(source_at, settings.source_url, settings)
    answer = History(settings, connect, first_day(settings)).look(yesterday)
    told = f"Yesterday in the source ({answer.state}): {in_words(answer, yesterday)}"
    yield Diagnosis(told, is_well=answer.state not in (*CUT, State.TYPES_MISSING))
    # Blanks that old rows got around their ids show in no day that a run reads.
    known, padded_ids = read_stamp(store), source.has_padded_ids()
    if known and known.padded_ids != padded_ids:
        write_stamp(store, replace(known, padded_ids=padded_ids))


def _first_partition(settings: Settings, yesterday: date) -> Diagnosis:
    first, name = first_day(settings), environment_name("start_date")
    if first > yesterday:
        return Diagnosis(
            f"The first day of reports is {first} ({name}), which isn't over: set an earlier one, "
            "or wait for its end.",
            is_well=False,
        )
    chosen = "as set" if settings.start_date else "the demo's; set it to the first day you want"
    return Diagnosis(f"The first day of reports is {first} ({name}: {chosen})")


def _storage(settings: Settings) -> str:
    probe = FrameStore(settings.storage).base / ".probe"
    write_bytes(probe, b"")
    probe.unlink()
    return f"The storage {settings.storage} can be written"


def _newest_report(settings: Settings, yesterday: date) -> Iterator[Diagnosis]:
    store = FrameStore(settings.storage)
    days = store.days(names.DAILY_REPORT, ".json")
    newest, command = max(days, default=None), f"sales-assets report {yesterday}"
    if refusal := read_refusal(store, yesterday):
        told = f"Yesterday, {yesterday}, is refused ({refusal.check}): {refusal.message}"
        yield Diagnosis(told, is_well=False)
    if newest is None:
        yield Diagnosis(f"No report is rendered yet; the first, once all above is well: {command}")
    elif yesterday in days:
        yield Diagnosis(f"The report of yesterday, {yesterday}, is rendered")
        found = read_findings(store, yesterday)
        yield from (Diagnosis(one.sentence, is_well=not one.parts) for one in found)
    else:
        yield Diagnosis(
            f"The report of yesterday, {yesterday}, is not rendered; the newest is of {newest}. "
            f"Run: {command}. Is {names.DAILY_REPORT_SCHEDULE} on?",
            is_well=False,
        )
