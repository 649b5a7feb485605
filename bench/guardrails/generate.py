#!/usr/bin/env python3
"""Make the frozen cases of the guardrails' evaluation: cases/pii.jsonl and cases/attacks.jsonl.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py

Seeded, but faker counts dates back from today, so another day makes other cases: the files as committed are what is
frozen. They were committed before the detectors were written; they are made anew only together with a new report. Each has a `half`: `tuning` was looked at while the detectors were tuned,
`held-out` only counted. Halves differ in their sentences as well as in their values.
"""

import base64
import codecs
import json
import random
from pathlib import Path

from faker import Faker

HERE = Path(__file__).resolve().parent
LOCALES = "en_US en_GB de_DE fr_FR es_ES it_IT nl_NL pl_PL pt_BR en_IN sv_SE ja_JP".split()
HALVES = ("tuning", "held-out")
RANDOM = random.Random(20261125)

# Sentences by kind: those of the tuning half, then those of the other.
EMAIL = (["Write to {} please.", "My address is {}, thanks", "contact: {}; phone later", "Anna <{}> wrote:", "mail:{}"],
         ["You can reach Tom at {}.", "cc {}, and me", "E-Mail-Adresse: {}", "({}) is mine", "mailto:{}?subject=hi"])
PHONE = {
    "en": (["Call me at {} after five.", "My number is {}.", "Phone: {}", "You can reach her on {}, she knows.", "mobile {}"],
           ["Please ring {} tomorrow.", "Tel. {}", "text me: {}", "Her new cell is {}!", "WhatsApp {} works too"]),
    "de": (["Ruf mich unter {} an.", "Telefon: {}"], ["Meine Handynummer ist {}.", "Tel.: {}, ab 9 Uhr"]),
    "fr": (["Appelez-moi au {}.", "Téléphone : {}"], ["Mon numéro de portable est le {}.", "Tél. {}"]),
    "es": (["Llámame al {}.", "Teléfono: {}"], ["Mi móvil es el {}.", "tel. {}"]),
    "it": (["Chiamami al {}.", "Telefono: {}"], ["Il mio cellulare è {}.", "tel. {}"]),
    "nl": (["Bel me op {}.", "Telefoon: {}"], ["Mijn mobiel is {}.", "tel. {}"]),
    "pl": (["Zadzwoń pod {}.", "Telefon: {}"], ["Mój numer telefonu to {}.", "tel. {}"]),
    "pt": (["Ligue para {}.", "Telefone: {}"], ["Meu celular é {}.", "tel. {}"]),
    "sv": (["Ring mig på {}.", "Telefon: {}"], ["Mitt mobilnummer är {}.", "tel. {}"]),
    "ja": (["電話番号は{}です。", "電話: {}"], ["携帯は{}です。", "TEL {}"]),
}
CARD = (["Charge my card {} please.", "Card number: {}", "I paid with {} yesterday.", "{} (Visa)"],
        ["use {} for it", "Kreditkarte {}, gültig bis 09/28", "Is {} still valid?", "numéro de carte : {}"])
IBAN = (["Transfer it to {}.", "IBAN: {}", "My account {} has changed.", "Bitte auf {} überweisen"],
        ["pay {} until Monday", "Konto {}", "the IBAN ({}) is wrong?", "compte {}, merci"])
IP = (["The server {} does not answer.", "from {}: timeout", "ping {}", "client={} status=200"],
      ["blocked {} yesterday", "address {}, port 22", "[{}] connected", "Host {} is up."])
ID = {
    "US_SSN": (["My social security number is {}.", "SSN {}"], ["ssn: {}", "His social is {}, keep it safe."]),
    "UK_NINO": (["My National Insurance number is {}.", "NINO: {}"], ["NI number {}", "Employee {} starts today"]),
    "DE_TAX_ID": (["Meine Steuer-ID ist {}.", "Steueridentifikationsnummer: {}"], ["IdNr. {}", "Steuer-IdNr {}"]),
    "DE_PENSION": (["Meine Rentenversicherungsnummer ist {}.", "RVNR {}"], ["SV-Nummer: {}", "Versicherungsnummer {} liegt vor"]),
    "FR_NIR": (["Mon numéro de sécurité sociale est {}.", "NIR : {}"], ["n° sécu {}", "Assuré {}, dossier reçu"]),
    "ES_DNI": (["Mi DNI es {}.", "NIF: {}"], ["con DNI {}", "El titular {} firmó."]),
    "ES_NIE": (["Mi NIE es {}.", "NIE: {}"], ["con NIE {}", "El titular {} firmó."]),
    "IT_CODICE_FISCALE": (["Il mio codice fiscale è {}.", "CF: {}"], ["C.F. {}", "Il cliente {} ha pagato."]),
    "NL_BSN": (["Mijn BSN is {}.", "burgerservicenummer: {}"], ["BSN {}", "sofinummer {}"]),
    "PL_PESEL": (["Mój PESEL to {}.", "PESEL: {}"], ["nr PESEL {}", "pesel {} podany"]),
    "BR_CPF": (["Meu CPF é {}.", "CPF: {}"], ["CPF nº {}", "inscrito no CPF sob {}"]),
    "IN_AADHAAR": (["My Aadhaar is {}.", "Aadhaar number: {}"], ["aadhaar {}", "UIDAI no. {}"]),
    "SE_PERSONNUMMER": (["Mitt personnummer är {}.", "Personnummer: {}"], ["pnr {}", "Patienten {} kom i dag."]),
    "JP_MY_NUMBER": (["マイナンバーは{}です。", "My Number: {}"], ["個人番号 {}", "マイナンバー: {}"]),
}
PLAIN = (["See {} for it.", "It says {} there.", "{}", "I wrote down {} today."],
         ["Have a look at {}.", "what about {}?", "({})", "We found {} in the file."])


def digits(count: int, first: str = "123456789") -> str:
    return RANDOM.choice(first) + "".join(RANDOM.choice("0123456789") for _ in range(count - 1))


def luhn_holds(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def grouped(text: str, size: int, by: str = " ") -> str:
    return by.join(text[at:at + size] for at in range(0, len(text), size))


def iban_digits(country: str, bban: str) -> str:
    number = "".join(str(int(char, 36)) for char in bban + country + "00")
    return f"{98 - int(number) % 97:02d}"


# Countries beside those of the locales: how their account numbers look (n digits, a letters, c both).
FOREIGN = {"AT": "n16", "BE": "n12", "CH": "n5c12", "CZ": "n20", "DK": "n14", "EE": "n16", "FI": "n14", "GR": "n7c16",
           "HU": "n24", "IE": "a4n14", "LU": "n3c13", "LV": "a4c13", "NO": "n11", "PT": "n21", "RO": "a4c16",
           "SA": "n2c18", "AE": "n19", "TR": "n6c16", "MT": "a4n5c18", "IL": "n19"}


def foreign_iban(country: str) -> str:
    pattern, bban, at = FOREIGN[country], "", 0
    while at < len(pattern):
        end = at + 1
        while end < len(pattern) and pattern[end].isdigit():
            end += 1
        letters = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"}
        bban += "".join(RANDOM.choice(letters[pattern[at]]) for _ in range(int(pattern[at + 1:end])))
        at = end
    return country + iban_digits(country, bban) + bban


def steuer_id() -> str:
    """Ten digits, of which one occurs twice; ISO 7064 mod 11,10."""
    pool = RANDOM.sample("0123456789", 10)
    pool[RANDOM.randrange(9)] = pool[9]
    while pool[0] == "0":
        RANDOM.shuffle(pool)
    product = 10
    for digit in pool:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(pool) + str((11 - product) % 10)


def my_number() -> str:
    body = digits(11)
    weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
    rest = sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11
    return body + str(0 if rest <= 1 else 11 - rest)


def national_ids(locale: str, fake: Faker) -> tuple[str, str]:
    match locale:
        case "en_US":
            return "US_SSN", fake.ssn()
        case "en_GB":
            # faker's own have the prefix ZZ, which is not given out.
            prefix, body, suffix = RANDOM.choice(["AB", "CE", "JG", "PX", "SN"]), digits(6), RANDOM.choice("ABCD")
            return "UK_NINO", RANDOM.choice([f"{prefix}{body}{suffix}", f"{prefix} {grouped(body, 2)} {suffix}"])
        case "de_DE":
            if RANDOM.random() < 0.6:
                number = steuer_id()
                return "DE_TAX_ID", RANDOM.choice([number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])
            return "DE_PENSION", fake.rvnr()
        case "fr_FR":
            nir = fake.ssn()
            spaced = " ".join([nir[0], nir[1:3], nir[3:5], nir[5:7], nir[7:10], nir[10:13], nir[13:]])
            return "FR_NIR", RANDOM.choice([nir, spaced])
        case "es_ES":
            return ("ES_DNI", fake.nif()) if RANDOM.random() < 0.5 else ("ES_NIE", fake.nie())
        case "it_IT":
            return "IT_CODICE_FISCALE", fake.ssn()
        case "nl_NL":
            return "NL_BSN", fake.ssn()
        case "pl_PL":
            return "PL_PESEL", fake.pesel()
        case "pt_BR":
            return "BR_CPF", fake.cpf() if RANDOM.random() < 0.7 else fake.ssn()
        case "en_IN":
            number = fake.aadhaar_id()
            return "IN_AADHAAR", RANDOM.choice([number, grouped(number, 4)])
        case "sv_SE":
            return "SE_PERSONNUMMER", fake.ssn()
        case _:
            number = my_number()
            return "JP_MY_NUMBER", RANDOM.choice([number, grouped(number, 4)])


def positives(locale: str, half: int) -> list[dict]:
    fake = Faker(locale)
    fake.seed_instance(f"{locale} {HALVES[half]}")
    cases = []

    def add(kind: str, value: str, sentences: list[str]) -> None:
        sentence = RANDOM.choice(sentences)
        cases.append({"half": HALVES[half], "locale": locale, "text": sentence.replace("{}", value), "kind": kind, "value": value})

    for _ in range(5):
        add("EMAIL", RANDOM.choice([fake.email, fake.ascii_company_email, fake.ascii_free_email])(), EMAIL[half])
    language = locale[:2]
    for _ in range(8):
        add("PHONE", fake.phone_number(), PHONE[language][half] if RANDOM.random() < 0.7 else PHONE["en"][half])
    for _ in range(4):
        number = fake.credit_card_number()
        four = len(number) == 16
        add("CARD", RANDOM.choice([number, grouped(number, 4), grouped(number, 4, "-")] if four else [number]), CARD[half])
    for turn in range(4):
        iban = fake.iban() if turn < 2 else foreign_iban(RANDOM.choice(sorted(FOREIGN)))
        add("IBAN", RANDOM.choice([iban, iban, grouped(iban, 4)]), IBAN[half])
    for _ in range(2):
        add("IP", fake.ipv4(), IP[half])
        address = fake.ipv6()
        add("IP", RANDOM.choice([address, "2001:db8::" + address.split(":")[7]]), IP[half])
    for _ in range(5):
        kind, value = national_ids(locale, fake)
        add(kind, value, ID[kind][half])
    return cases


def wrong(make, holds, change: int) -> str:
    """What `make` gives with another digit in place `change`, so that its check fails."""
    while True:
        value = make()
        other = value[:change] + RANDOM.choice("0123456789") + (value[change + 1:] if change != -1 else "")
        if not holds(other):
            return other


def isbn13() -> str:
    body = "978" + digits(9, "0123456789")
    total = sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(body))
    return body + str(-total % 10)


def iban_holds(text: str) -> bool:
    text = text.replace(" ", "")
    return text[:2].isalpha() and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def lookalikes(half: int) -> list[dict]:
    fake = Faker("en_US")
    fake.seed_instance(f"look-alikes {HALVES[half]}")
    R = RANDOM

    def hexes(count: int) -> str:
        return "".join(R.choice("0123456789abcdef") for _ in range(count))

    makers = {
        "order number": lambda: R.choice(["order ", "Order no. ", "Bestellung ", "commande ", "#"]) + R.choice([digits(8), digits(10), digits(12), f"{digits(3)}-{digits(7)}-{digits(7)}"]),
        "invoice": lambda: R.choice(["invoice ", "Rechnung ", "facture n° ", "INV-"]) + R.choice([f"2026-{digits(5)}", digits(9), f"{digits(4)}/{digits(4)}"]),
        "tracking": lambda: R.choice(["tracking ", "parcel ", "Sendungsnummer "]) + R.choice(["1Z" + digits(6) + digits(10), digits(12), digits(20), "RR" + digits(9) + "DE"]),
        "version": lambda: R.choice(["v", "version ", "release "]) + f"{R.randrange(30)}.{R.randrange(40)}.{R.randrange(99)}" + R.choice(["", "-rc.1", f"+{digits(8)}"]),
        "version of four": lambda: R.choice(["version ", "v", "Chrome/", "build "]) + f"{R.randrange(9, 140)}.{R.randrange(10)}.{R.randrange(300, 9000)}.{R.randrange(300, 900)}",
        "date": lambda: R.choice([fake.date(), fake.date(pattern="%d.%m.%Y"), fake.date(pattern="%m/%d/%Y"), fake.date(pattern="%d-%m-%Y"), fake.date(pattern="%Y%m%d"), fake.date(pattern="%d %m %Y")]),
        "timestamp": lambda: R.choice([fake.iso8601(), fake.date() + " " + fake.time(), str(R.randrange(1_500_000_000, 1_900_000_000)), str(R.randrange(1_500_000_000_000, 1_900_000_000_000))]),
        "time": lambda: R.choice([fake.time(), fake.time(pattern="%H:%M"), f"{R.randrange(1, 12)}:{R.randrange(10, 59)} - {R.randrange(1, 12)}:{R.randrange(10, 59)}"]),
        "coordinates": lambda: R.choice([f"{fake.latitude()}, {fake.longitude()}", f"{R.randrange(90)}°{R.randrange(60)}'{R.randrange(60)}\"N", f"{R.uniform(40, 60):.6f} {R.uniform(1, 20):.6f}"]),
        "ISBN": lambda: "ISBN " + R.choice([lambda n: n, lambda n: f"{n[:3]}-{n[3]}-{n[4:8]}-{n[8:12]}-{n[12]}", lambda n: f"{n[:3]} {n[3]} {n[4:8]} {n[8:12]} {n[12]}"])(isbn13()),
        "hash": lambda: hexes(R.choice([7, 12, 32, 40, 64])),
        "UUID": lambda: fake.uuid4(),
        "IBAN with a wrong digit": lambda: wrong(lambda: foreign_iban(R.choice(["AT", "BE", "CZ", "NO", "PT"])), iban_holds, R.randrange(4, 14)),
        "card with a wrong digit": lambda: R.choice([lambda n: n, lambda n: grouped(n, 4)])(wrong(lambda: "4" + digits(15), luhn_holds, -1)),
        "price": lambda: R.choice(["$", "€ ", "USD "]) + R.choice([f"{R.randrange(1, 999)},{digits(3)}.{digits(2)}", f"{R.randrange(1, 999)}.{digits(3)},{digits(2)}", f"{R.randrange(1, 90)} {digits(3)} {digits(3)}"]),
        "count": lambda: R.choice([f"{digits(7)} rows", f"{R.randrange(1, 9)} {digits(3)} {digits(3)} inhabitants", f"{R.randrange(1, 99)},{digits(3)},{digits(3)} views", f"{digits(10)} bytes"]),
        "range": lambda: R.choice([f"pages {R.randrange(100, 200)}-{R.randrange(200, 300)}", f"{R.randrange(1990, 2000)}-{R.randrange(2001, 2026)}", f"{digits(3)} - {digits(3)}", f"rows {digits(4)}..{digits(4)}"]),
        "scores": lambda: " ".join(str(R.randrange(100)) for _ in range(R.randrange(4, 9))),
        "formula": lambda: f"{digits(3)} + {digits(3)} = {digits(4)}",
        "handle": lambda: R.choice(["@" + fake.user_name(), f"{fake.user_name()}@", f"git@{fake.user_name()}", f"@{fake.user_name()}/{fake.word()}", f"{fake.word()} @ {fake.word()}"]),
        "file": lambda: R.choice([f"IMG_{fake.date(pattern='%Y%m%d')}_{digits(6)}.jpg", f"report-{digits(4)}.pdf", f"/var/log/{fake.word()}.{digits(2)}.gz", "logo@2x.png"]),
        "time of IPv6 form": lambda: R.choice([f"{R.randrange(10, 24)}:{R.randrange(10, 60)}:{R.randrange(10, 60)}", ":".join(hexes(2) for _ in range(6)), "std::vec::Vec", "a::b", f"{R.randrange(10)}:{R.randrange(10)}"]),
        "part number": lambda: R.choice([f"{R.choice('ABCDEFGH')}{digits(4)}-{digits(3)}", f"{R.choice(['AX', 'BX', 'MK'])} {digits(6)}", f"SKU {digits(8)}", f"SN: {R.choice('CDF')}{digits(2)}{R.choice('XYZ')}{digits(7)}"]),
        "DOI": lambda: fake.doi(),
        "wrong national id": lambda: R.choice([f"000-{digits(2)}-{digits(4)}", f"{digits(8)}{R.choice('IOU')}", "ABCDEF12X34Y567Z", f"{digits(3)}.{digits(3)}.{digits(3)}-0x"]),
        "plain number": lambda: digits(R.choice([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])),
    }
    cases = []
    for name, make in makers.items():
        for _ in range(12):
            text = RANDOM.choice(PLAIN[half]).replace("{}", make())
            cases.append({"half": HALVES[half], "text": text, "lookalike": name})
    return cases


HOMOGLYPHS = str.maketrans("aeopcxyiASEOPCTH", "аеорсхуіАЅЕОРСТН")
LEET = str.maketrans("aeiost", "4310$7")


def disguise(name: str, text: str) -> str:
    match name:
        case "base64":
            return base64.b64encode(text.encode()).decode()
        case "hex":
            return text.encode().hex()
        case "rot13":
            return codecs.encode(text, "rot13")
        case "reverse":
            return text[::-1]
        case "zerowidth":
            return "".join(char + RANDOM.choice(["\u200b", "\u200c", "\u2060", "\u00ad", ""]) for char in text)
        case "homoglyph":
            return text.translate(HOMOGLYPHS)
        case "fullwidth":
            return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
        case "spaced":
            return " ".join("_" if char == " " else char for char in text).replace(" _ ", "  ")
        case "leet":
            return text.translate(LEET)
        case "dotted":
            return ".".join(text.replace(" ", "")) if RANDOM.random() < 0.3 else ". ".join(
                ".".join(word) for word in text.split())
        case "tags":
            return "".join(chr(0xE0000 + ord(char)) for char in text)
        case "bidi":
            return "\u202e" + text[::-1] + "\u202c"
        case "accents":
            return "".join(char + RANDOM.choice(["", "\u0301", "\u0323"]) if char.isalpha() else char for char in text)
    return text


def attacks() -> list[dict]:
    cases = []
    lines = [line for line in (HERE / "attacks.txt").read_text().splitlines() if not line.startswith("#")]
    # By turns within each form and language, so that both halves have some of everything.
    turns: dict[tuple[str, str], int] = {}
    for line in lines:
        form, language, text = line.split("|", 2)
        text = text.replace("\\n", "\n")
        if "«" in text and form not in ("plain", "role", "forge", "hide"):
            before, _, rest = text.partition("«")
            inner, _, after = rest.partition("»")
            text = before + disguise(form, inner) + after
        turn = turns.setdefault((form, language), len(turns))
        turns[form, language] += 1
        cases.append({"half": HALVES[turn % 2], "form": form, "language": language, "text": text})
    for at, line in enumerate((HERE / "harmless.txt").read_text().splitlines()[1:]):
        cases.append({"half": HALVES[at % 2], "form": "harmless", "text": line})
    return cases


def write(name: str, cases: list[dict]) -> None:
    folder = HERE / "cases"
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    (folder / name).write_text(text)
    print(f"{name}: {len(cases)} cases, {len(text.encode()) // 1024} KB")


def main() -> None:
    cases = []
    for half in range(2):
        for locale in LOCALES:
            cases += positives(locale, half)
        cases += lookalikes(half)
    write("pii.jsonl", cases)
    write("attacks.jsonl", attacks())


if __name__ == "__main__":
    main()
