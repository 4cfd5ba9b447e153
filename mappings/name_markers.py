from __future__ import annotations

import re

from mappings.company_names import normal_name, read_company_name

__all__ = ["CONSUMER_MAIL_DOMAINS", "is_consumer_mail", "is_placeholder", "names_a_government_body"]

CONSUMER_MAIL_DOMAINS = frozenset(
    {
        "126.com", "163.com", "aol.com", "bol.com.br", "docomo.ne.jp", "fastmail.com", "free.fr", "gmail.com",
        "gmx.at", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.co.uk", "hotmail.com", "hotmail.fr",
        "icloud.com", "laposte.net", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com",
        "orange.fr", "outlook.com", "proton.me", "protonmail.com", "qq.com", "rediffmail.com", "rocketmail.com",
        "sbcglobal.net", "t-online.de", "terra.com.br", "uol.com.br", "verizon.net", "wanadoo.fr", "web.de",
        "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.br", "yahoo.de", "yahoo.fr", "yandex.com",
        "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip
"""Anybody can have an address there, so it says nothing about the company. DOM-3.5."""

_NOBODY = frozenset(
    {
        "", "account", "anonymous", "buyer", "cash", "cash customer", "cash sale", "company", "company name",
        "consumer", "customer", "default", "default customer", "demo", "dummy", "example", "generic", "guest",
        "individual", "individuals", "misc", "multiple", "na", "name", "new account", "new customer", "none",
        "not applicable", "not available", "one time customer", "onetime customer", "private", "private individual",
        "private person", "sample", "sundry", "tba", "tbc", "tbd", "to be confirmed", "to be determined", "unknown",
        "unnamed", "various", "vendor", "walk in", "walk in customer",
    }
)  # fmt: skip
_NOBODY_IN_PARTICULAR = re.compile(r"^(miscellaneous|dummy|placeholder|do not use)\b")
_UNDISCLOSED = re.compile(r"\bundisclosed\b")
_TEST = re.compile(r"^(test|testing|tester|xx+|asdf)( (account|customer|company|client|record))?[\d ]*$")
_GOVERNMENT = re.compile(
    r"^hm |\b(department of|ministry of|ministerio d[aeo]|ministere d[aeu]|bundesministerium|bundesamt|landesamt|"
    r"city of|county of|state of|commonwealth of|town of|village of|borough of|municipality of|prefeitura|"
    r"(his|her) majestys|federal government|bureau of (prisons|investigation|land management|engraving)|"
    r"(transportation|transit|sewer|water|port|housing) authority|(county|city|borough) council|"
    r"house of representatives|internal revenue service|(technologies|protection) agency|national health service)\b"
    r"|(省|市役所|県庁)$"
)


def is_placeholder(name: str) -> bool:
    """Whether the name stands for nobody: undisclosed, miscellaneous, test, individual. Never a customer. DOM-3.5.

    A name with a legal form is a company's, however odd ("Miscellaneous Metals Inc"), except a plain test.
    """
    normal = normal_name(name)
    if _UNDISCLOSED.search(normal) or _TEST.match(normal):
        return True
    if read_company_name(name).forms:
        return False
    return normal in _NOBODY or bool(_NOBODY_IN_PARTICULAR.match(normal))


def names_a_government_body(name: str) -> bool:
    """Whether the name reads like a department, agency or authority. A hint: many such bodies share one state."""
    return bool(_GOVERNMENT.search(normal_name(name)))


def is_consumer_mail(domain_or_email: str) -> bool:
    """Whether this is a mail domain for everybody: no evidence for a company. DOM-3, pair 20."""
    return domain_or_email.rpartition("@")[2].strip().lower().removeprefix("www.") in CONSUMER_MAIL_DOMAINS
