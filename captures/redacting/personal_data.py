"""Data of persons that are known by their form: e-mail addresses, payment cards, IBANs, phone numbers. Pure.

Each has a form that belongs to nobody, which is where its pseudonyms come from and which is left as it is: the domains
of RFC 2606, the prefixes that card networks give to test cards, bank codes of zeros, the numbers that the North
American plan keeps for fiction. So nothing is replaced twice, no replay ever reaches a person, and test data stay.
"""

from __future__ import annotations

import re

from captures.redacting.bounds import Unsearchable
from captures.redacting.shapes import DIGITS, LOWER, UPPER, mapped, pick, shaped, stream

MOST = 250_000
"""Findings of one sort in one text. A body with more is not kept: replacing them would hold up what is behind it."""

ADDRESS = re.compile(r"([^@\s:/]{1,64})@((?:[^@\s:/.]{1,63}\.){1,8})([A-Za-z]{2,24})")
_DOMAIN = re.compile(r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61})\.){1,8}[A-Za-z]{2,24})(?![A-Za-z0-9-])")
_LOCAL = f"{LOWER}{UPPER}{DIGITS}._%+-"
_RESERVED_TOP = frozenset("invalid test example localhost local".split())  # RFC 2606, 6761, 6762
_FILES = frozenset("png jpg jpeg gif svg webp avif ico bmp css js mjs map json html htm pdf txt xml mp4 webm".split())
"""``logo@2x.png`` is no address."""
HOME = ".example.com"
"""Where pseudonyms live: unlike ``.invalid`` it is taken for an address by the checks that services make."""
_LABEL = 6  # letters of the label of a pseudonym's domain: a check of the name before it (28 bits)


def addresses(text: str) -> list[tuple[int, int]]:
    """Where e-mail addresses (RFC 5322, 3.4.1, without quoted and commented forms) stand; not those of nobody.

    Raises ``ValueError`` for more than :data:`MOST`.
    """
    found: list[tuple[int, int]] = []
    for match in _DOMAIN.finditer(text):
        domain = match[1].lower()
        top = domain.rpartition(".")[2]
        if top in _FILES or is_reserved(domain):
            continue
        before = text[max(0, match.start() - 64) : match.start()]
        local = before[len(before.rstrip(_LOCAL)) :].lstrip(".%+-")
        if not local or local == "git":
            continue
        start = match.start() - len(local)
        if start and text[start - 1] == "\\":  # ``\\nada@shop.com`` in what is a JSON text and was not read as one
            start += 5 if text[start] == "u" else 1
        if start < match.start() and not _in_authority(text, start):
            found.append((start, match.end()))
            if len(found) > MOST:
                raise Unsearchable(f"more than {MOST:,} findings of email")
    return found


def _in_authority(text: str, start: int) -> bool:
    """Whether what stands at ``start`` is the user of a URL: that is looked at elsewhere."""
    before = text[max(0, start - 300) : start]
    mark = max(before.rfind("://"), before.rfind(":\\/\\/"))
    return mark >= 0 and re.search(r"[\s/?#\"'<>]", before[mark:].lstrip(":/\\")) is None


def is_reserved(domain: str) -> bool:
    """Whether a domain (lower case) belongs to nobody: RFC 2606, 2 and 3."""
    name, _, top = domain.rpartition(".")
    if top in _RESERVED_TOP:
        return True
    return top in ("com", "net", "org") and name.rpartition(".")[2] == "example"


def address_pseudonym(key: bytes, address: str) -> str | None:
    """An address of nobody, equal for the address in any case of letters (but in that case); None for no address."""
    parts = ADDRESS.fullmatch(address)
    if parts is None:
        return None
    folded = address.lower()
    local = mapped(stream(key, f"address\0{folded}"), parts[1])
    spread = "" if len(parts[1]) > 5 else mapped(stream(key, f"spread\0{folded}"), "aaaaaa") + "."
    return f"{local}@{spread}{_label(key, local, spread)}{HOME}"


def is_address_pseudonym(key: bytes, address: str) -> bool:
    """Whether ``address`` came out of :func:`address_pseudonym` with this key."""
    local, at, domain = address.partition("@")
    if not at or not domain.endswith(HOME):
        return False
    spread, dot, label = domain.removesuffix(HOME).rpartition(".")
    return label == _label(key, local, spread + dot)


def _label(key: bytes, local: str, spread: str) -> str:
    return mapped(stream(key, f"label\0{local.lower()}@{spread}"), "a" * _LABEL)


# -- payment cards (ISO/IEC 7812-1) -----------------------------------------------------------------------------------

CARD = re.compile(r"(?<![\w.@/-])[2-6][0-9]{3}(?:[ -]?[0-9]){10,15}(?!\.?[\w-])")
CARD_ALONE = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")
_NETWORKS = (
    # Which numbers a network issues (prefix, digits) and a prefix out of its published test numbers.
    (re.compile(r"4[0-9]{15}"), "400000"),  # Visa
    (re.compile(r"(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)[0-9]*"), "555555"),  # Mastercard
    (re.compile(r"3[47][0-9]{13}"), "378282"),  # American Express
    (re.compile(r"(?:6011|65|64[4-9])[0-9]*"), "601111"),  # Discover
    (re.compile(r"35(?:2[89]|[3-8][0-9])[0-9]{12}"), "353011"),  # JCB
    (re.compile(r"3(?:0[0-5]|[68][0-9])[0-9]{11}"), "305693"),  # Diners Club, 14 digits
    (re.compile(r"62[0-9]{14,17}"), "620000"),  # UnionPay
)
_TEST_PREFIXES = frozenset(prefix for _, prefix in _NETWORKS)
_TEST_CARDS = frozenset(
    "4111111111111111 4242424242424242 4012888888881881 5105105105105100 5200828282828210 2223003122003222 "
    "5555555555554444 371449635398431 378282246310005 378734493671000 6011111111111117 6011000990139424 "
    "3056930009020004 30569309025904 38520000023237 3530111333300000 3566002020360505 6200000000000005".split()
)
"""Published by payment services for tests: anybody's, and left as they are."""


def card(digits: str) -> bool:
    """Whether ``digits`` (nothing else) are the number of a real card: a network's length and prefix, and Luhn."""
    if digits[:6] in _TEST_PREFIXES or digits in _TEST_CARDS or luhn(digits):
        return False
    return _network(digits) is not None


def _network(digits: str) -> str | None:
    for pattern, prefix in _NETWORKS:
        if pattern.fullmatch(digits) and (len(digits) == 16 or prefix in ("378282", "305693", "620000")):
            return prefix
    return None


def card_pseudonym(key: bytes, number: str) -> str | None:
    """Another number with a right check digit: of the network's test prefix where a network issues such ones.

    Blanks and dashes stay. None for what is no card number.
    """
    digits = "".join(filter(str.isdigit, number))
    if not CARD_ALONE.fullmatch(number) or luhn(digits):
        return None
    prefix = _network(digits) or ""
    out = shaped(key, digits, digits)
    out = prefix + out[len(prefix) :]
    out = out[:-1] + str((int(out[-1]) - luhn(out)) % 10)
    if out == digits:  # only ever for one that has no network
        out = shaped(key, digits + "#", digits)
        out = out[:-1] + str((int(out[-1]) - luhn(out)) % 10)
    new = iter(out)
    return "".join(next(new) if character.isdigit() else character for character in number)


def is_card_pseudonym(number: str) -> bool:
    """Whether ``number`` is one that :func:`card_pseudonym` may have made: of a test prefix, and right."""
    digits = "".join(filter(str.isdigit, number))
    return digits[:6] in _TEST_PREFIXES and CARD_ALONE.fullmatch(number) is not None and not luhn(digits)


def luhn(digits: str) -> int:
    """The check sum of a card number, modulo 10 (ISO/IEC 7812-1): 0 when it is right."""
    total = 0
    for position, character in enumerate(c for c in reversed(digits) if c.isdigit()):
        digit = int(character)
        if position % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10


# -- IBAN (ISO 13616-1) -----------------------------------------------------------------------------------------------

IBAN_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?= ?[A-Z0-9])")
_LENGTHS = {
    name: int(length)
    for name, length in (
        entry.split(":")
        for entry in (
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 "
            "DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 "
            "HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 "
            "MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 "
            "RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 "
            "VA:22 VG:24 XK:20 YE:30"
        ).split()
    )
}
"""Characters of each country's IBAN (SWIFT IBAN Registry, release 99)."""
_AS_DIGITS = {ord(letter): str(number) for number, letter in enumerate(UPPER, start=10)}
_BANK = 4  # characters of the bank code that are zeros, or X, in a pseudonym


def ibans(text: str) -> list[tuple[int, int]]:
    """Where IBANs with right check digits stand, compact or in groups of four; not those of nobody.

    Raises ``ValueError`` for more than :data:`MOST` that are looked at.
    """
    found: list[tuple[int, int]] = []
    end = checked = 0
    for head in IBAN_HEAD.finditer(text):
        length = _LENGTHS.get(head[0][:2])
        if length is None or head.start() < end:
            continue
        checked += 1
        if checked > MOST:
            raise Unsearchable(f"more than {MOST:,} numbers like an IBAN")
        stop = _reach(text, head.start(), length)
        if stop is None:
            continue
        plain = text[head.start() : stop].replace(" ", "")
        if _check_digits(plain) == plain[2:4] and not is_iban_pseudonym(plain):
            found.append((head.start(), stop))
            end = stop
    return found


def _reach(text: str, start: int, length: int) -> int | None:
    """Where ``length`` characters from ``start`` on end, single blanks between them not counted."""
    position, counted = start, 0
    while position < len(text) and counted < length:
        character = text[position]
        if character in DIGITS or character in UPPER:
            counted += 1
        elif character != " " or text[position - 1] == " ":
            return None
        position += 1
    ends = counted == length and (position == len(text) or not text[position].isalnum())
    return position if ends else None


def iban_pseudonym(key: bytes, iban: str) -> str | None:
    """Another IBAN of the same country and form, of no bank, with right check digits; None for what is none.

    Checks that a country makes inside the number (Italy's CIN, France's key) come out wrong.
    """
    plain = iban.replace(" ", "")
    if len(plain) != _LENGTHS.get(plain[:2]) or not plain.isalnum() or not plain.isascii() or plain != plain.upper():
        return None
    if _check_digits(plain) != plain[2:4]:
        return None
    bank = "".join("0" if character.isdigit() else "X" for character in plain[4 : 4 + _BANK])
    rest = mapped(stream(key, f"iban\0{plain}"), plain[4 + _BANK :])
    out = plain[:2] + _check_digits(f"{plain[:2]}00{bank}{rest}") + bank + rest
    new = iter(out)
    return "".join(character if character == " " else next(new) for character in iban)


def is_iban_pseudonym(iban: str) -> bool:
    """Whether ``iban`` is one that :func:`iban_pseudonym` may have made: no bank has such a code."""
    plain = iban.replace(" ", "")
    return set(plain[4 : 4 + _BANK]) <= {"0", "X"} and _check_digits(plain) == plain[2:4]


def _check_digits(plain: str) -> str:
    """The two check digits that belong to ``plain`` (ISO 7064, mod 97-10), whatever stands in their place."""
    number = f"{plain[4:]}{plain[:2]}00".translate(_AS_DIGITS)
    return f"{98 - int(number) % 97:02d}"


# -- phone numbers (E.164) --------------------------------------------------------------------------------------------

PHONE = re.compile(r"(?<![\w+/=.-])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![\w+/=])")
PHONE_ALONE = re.compile(r"[+(]?[0-9](?:[ ()./-]{0,2}[0-9]){6,14}")
PHONE_NAMES = re.compile(
    r"(?:^|phone|mobile|cell)(?:phone|mobile|cellphone|tel|telephone|msisdn|fax|whatsapp)(?:number|no|nr|e164)?$|"
    r"(?:phone|telephone|mobile|msisdn|fax)(?:number|no|nr|e164)?$"
)
"""Of normalised names: what under them has no ``+`` may still be a phone number."""
_AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 "
    "423 425 432 434 435 440 443 478 479 480 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 "
    "541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 "
    "618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 "
    "716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 "
    "805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 850 856 857 858 859 860 863 864 865 870 "
    "901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 "
    "954 956 970 971 972 973 978 979 980 985 989"
).split()
"""Area codes of the United States: a number in any other is refused by the checks that services make."""
_FICTION = re.compile(r"\+?1?[2-9][0-9]{2}55501[0-9]{2}")


def phone_pseudonym(key: bytes, number: str) -> str | None:
    """A number that is kept for fiction (555-0100 to 555-0199 of any area code); None for what is no phone number.

    There are some 30,000 of them: in a capture of thousands of numbers, two may become one.
    """
    if PHONE_ALONE.fullmatch(number) is None:
        return None
    digits = "".join(filter(str.isdigit, number))
    source = stream(key, f"phone\0{digits}")
    area = _AREAS[int(pick(source, DIGITS) + pick(source, DIGITS) + pick(source, DIGITS)) * len(_AREAS) // 1000]
    line = f"01{pick(source, DIGITS)}{pick(source, DIGITS)}"
    nation = "+1" if number[0] == "+" else "1" if len(digits) == 11 and digits[0] == "1" else ""
    blank = next((character for character in number.strip("+(") if character in " .-/"), "")
    if "(" in number and number[0] != "+":
        return f"{nation}({area}) 555-{line}"
    return blank.join(filter(None, (nation, area, "555", line)))


def is_phone_pseudonym(number: str) -> bool:
    """Whether ``number`` is one that nobody has."""
    if "555" not in number:
        return False
    plain = "".join(character for character in number if character.isdigit() or character == "+")
    return PHONE_ALONE.fullmatch(number) is not None and _FICTION.fullmatch(plain) is not None
