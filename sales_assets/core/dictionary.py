"""The source's dictionary of event types: which id stands for which type, and what doesn't fit."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sales_assets.core.errors import SalesAssetsError
from sales_assets.core.journey import EVENT_TYPES, EXPERIMENTS, LOOK_ALIKES, PURCHASE
from sales_assets.core.source_findings import Finding, FindingKind, Reason, parts_living_on


class AmbiguousDictionaryError(SalesAssetsError):
    """An id of the dictionary has two descriptions, one of which the metrics need."""


def spelling(name: str) -> str:
    """Return `name` in lower case, composed, with single blanks and no invisible signs."""
    seen = "".join(
        " " if unicodedata.category(sign) == "Cc" else sign
        for sign in unicodedata.normalize("NFC", name)
        if unicodedata.category(sign) != "Cf"  # no width, no direction: invisible
    )
    return " ".join(seen.split()).casefold()


def silhouette(name: str) -> str:
    """Return the spelling with every letter as the one that it looks like, without its marks."""
    plain = unicodedata.normalize("NFKD", spelling(name))
    letters = "".join(sign for sign in plain if unicodedata.category(sign) != "Mn")
    return letters.translate(LOOK_ALIKES)


def code_points(name: str, meant: str) -> str:
    """Return the signs of `name` that `meant` doesn't have there, with their code points."""
    written, expected = spelling(name), spelling(meant)
    if len(written) != len(expected):
        odd = [sign for sign in written if sign not in expected]
        return ", ".join(f"{sign!r} (U+{ord(sign):04X})" for sign in odd)
    pairs = zip(written, expected, strict=True)
    return ", ".join(
        f"{sign!r} (U+{ord(sign):04X}) for {other!r} (U+{ord(other):04X})"
        for sign, other in pairs
        if sign != other
    )


@dataclass(frozen=True)
class EventDictionary:
    """Each id's name as the source writes it, the type that it stands for, and what was found.

    A type of a definition has the definition's spelling, another one its own; two ids with one
    name are one type.
    """

    names: Mapping[str, str]
    type_of: Mapping[str, str]
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]]) -> "EventDictionary":
        """Take the ids and descriptions of the source; an empty description is none.

        Raises:
            AmbiguousDictionaryError: an id has two names, one of them of a needed type.
        """
        written: dict[str, dict[str, str]] = {}
        for number, name in sorted(rows):
            if spelling(name):
                written.setdefault(number.strip(), {}).setdefault(spelling(name), name)
        names: dict[str, str] = {}
        type_of: dict[str, str] = {}
        findings: list[Finding] = []
        others: dict[str, str] = {}
        for number, by_spelling in written.items():
            types = {name: meant(name) for name in by_spelling.values()}
            if len({kind or spelling(name) for name, kind in types.items()}) > 1:
                findings.append(_two_names(number, types))
            name, kind = next(iter(types.items()))
            names[number] = name
            composed = unicodedata.normalize("NFC", name)
            type_of[number] = kind or others.setdefault(spelling(name), " ".join(composed.split()))
            if kind and spelling(name) != spelling(kind):
                findings.append(_look_alike(number, name, kind))
        return cls(names, type_of, tuple(findings))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """All types in a fixed order: the definitions' first, then the others, sorted."""
        return (*EVENT_TYPES, *sorted(set(self.type_of.values()).difference(EVENT_TYPES)))

    @property
    def missing_types(self) -> tuple[str, ...]:
        """The types that definitions name and no id stands for; payments need none."""
        present = {*self.type_of.values(), PURCHASE}
        return tuple(name for name in EVENT_TYPES if name not in present)

    def compared_with(self, before: Mapping[str, str]) -> tuple[Finding, ...]:
        """Return everything found, beside the last dictionary (id to name; empty: none known).

        A needed type that is gone marks its parts whatever was before. An experiment's type is
        gone only if the last dictionary had it: not every source runs every experiment.
        """
        last = {number: meant(name) for number, name in before.items()}
        changed = [
            _changed(number, before[number], self.names[number])
            for number, kind in last.items()
            if kind and self.type_of.get(number, kind) != kind
        ]
        known = set(last.values())
        gone = [name for name in self.missing_types if name not in EXPERIMENTS or name in known]
        lost = last.keys() - self.names.keys()
        return (*self.findings, *changed, *(_gone(name, last, lost) for name in gone))


#: No two of them look alike, which a test holds.
_BY_SILHOUETTE = {silhouette(name): name for name in EVENT_TYPES}


def meant(name: str) -> str | None:
    """Return the definitions' type that `name` is or looks like."""
    return _BY_SILHOUETTE.get(silhouette(name))


def _two_names(number: str, types: Mapping[str, str | None]) -> Finding:
    listed = " and as ".join(map(repr, sorted(types)))
    sentence = f"The source's dictionary describes the event id {number} as {listed}."
    if any(types.values()):
        raise AmbiguousDictionaryError(
            f"{sentence} Each id needs one description: correct events_dict in the source."
        )
    return Finding(
        FindingKind.TWO_NAMES,
        f"{sentence} No metric needs it; the first is taken. Correct events_dict in the source.",
        sample=tuple(sorted(types)),
    )


def _look_alike(number: str, name: str, kind: str) -> Finding:
    return Finding(
        FindingKind.LOOK_ALIKE,
        f"The event id {number} is described as {name!r}, which looks like {kind!r} and is taken "
        f"for it: {code_points(name, kind)}. Correct the letters in events_dict.",
        sample=(f"{number}: {name}",),
    )


def _changed(number: str, old: str, new: str) -> Finding:
    return Finding(
        FindingKind.NAME_CHANGED,
        f"The event id {number} has another name than before: it was {old!r}, it is {new!r}. "
        "Give it its name back in events_dict, or add an id with the old name.",
        sample=(f"{number}: {old} → {new}",),
    )


def _gone(name: str, last: Mapping[str, str | None], lost: Collection[str]) -> Finding:
    kind, reason = FindingKind.TYPE_MISSING, Reason.TYPE_MISSING
    what = "what lives on it is not counted"
    if name in EXPERIMENTS:
        kind, reason = FindingKind.EXPERIMENT_GONE, Reason.EXPERIMENTS_MISSING
        what = "clients of the experiment can't be left out"
    ids = [number for number, known in last.items() if known == name]
    where = "; its row is gone" if any(number in lost for number in ids) else ""
    was = f" It was the id {', '.join(ids)}{where}." if ids else ""
    return Finding(
        kind,
        f"The dictionary names no event {name!r}: {what}.{was} "
        "Compare events_dict with the list in docs/source.md.",
        parts_living_on(name),
        reason,
        sample=tuple(f"{number}: {name}" for number in ids),
    )
