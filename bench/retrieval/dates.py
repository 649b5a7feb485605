"""Dates that a query names, as src/memory/rank/dates.rs reads them."""

import datetime
import re

MONTHS = "january february march april may june july august september october november december".split()
LEADING = set(
    "after around before by during early for from in last late mid next of on since this until till".split()
)
DAYS_AFTER = 7
DAYS_OF_NEXT_MONTH = 15
Date = tuple[int | None, int | None, int | None]


TELLING = (
    "yesterday today tonight tomorrow day week weekend month year ago last next monday tuesday wednesday thursday friday "
    "saturday sunday " + " ".join(MONTHS)
)


def asks_when(query: str) -> bool:
    first = [word.lower() for word in re.findall(r"[^\W_]+", query)[:2]]
    return "when" in first or first == ["how", "long"]


def month(word: str) -> tuple[int, bool] | None:
    for number, name in enumerate(MONTHS, 1):
        if word == name or len(word) in (3, 4) and name.startswith(word):
            return number, word == name and word not in ("march", "may")
    return None


def asked(query: str) -> list[Date]:
    words = [word.lower() for word in re.findall(r"[^\W_]+", query)]

    def number(place: int, least: int, most: int) -> int | None:
        found = re.fullmatch(r"(\d+)(st|nd|rd|th)?", words[place]) if place < len(words) else None
        return int(found[1]) if found and least <= int(found[1]) <= most else None

    def month_at(place: int) -> tuple[int, bool] | None:
        return month(words[place]) if place < len(words) else None

    dates: list[Date] = []
    place = 0
    while place < len(words) and len(dates) < 8:
        begin, at, day = place, place, number(place, 1, 31)
        if day is not None and month_at(place + 1):
            at = place + 1
        elif day is not None and place + 2 < len(words) and words[place + 1] == "of" and month_at(place + 2):
            at = place + 2
        else:
            day = None
        found = month_at(at)
        if not found:
            year = number(place, 1900, 2100)
            dates += [(year, None, None)] if year else []
            place += 1
            continue
        place = at + 1
        if day is None:
            day = number(place, 1, 31)
            place += day is not None
        year = number(place, 1900, 2100)
        place += year is not None
        if found[1] or day or year or begin and words[begin - 1] in LEADING:
            dates.append((year, found[0], day))
    return dates


def share(dates: list[Date], date: datetime.date) -> float:
    return max(share_of_one(one, date) for one in dates)


def share_of_one(asked: Date, date: datetime.date) -> float:
    year, month, day = asked
    if month and day:
        best = 0.0
        for of in [year] if year else range(date.year - 1, date.year + 2):
            try:
                days = (date - datetime.date(of, month, day)).days
            except ValueError:
                continue
            if -1 <= days < DAYS_AFTER:
                best = max(best, 1 - abs(days) / DAYS_AFTER)
        return best
    if month:
        def fits(of: datetime.date) -> bool:
            return of.month == month and year in (None, of.year)

        return 1.0 if fits(date) else 0.5 if fits(date - datetime.timedelta(DAYS_OF_NEXT_MONTH)) else 0.0
    return float(year == date.year)
