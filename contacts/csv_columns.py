"""What the columns of a CSV of contacts are called: by Outlook, by Google, and plainly, in three languages. Pure.

Names are compared in small letters without accents and signs (`known_as`). Outlook's are those of its export in
English, Dutch and French; Google numbers its own: `Phone 1 - Label`, `Phone 1 - Value`.
"""

import re
import unicodedata
from typing import NamedTuple

_NAMES = {
    "prefix": "title|prefix|name prefix|titel|voorvoegsel|aanhef|titre|civilite|prefixe",
    "first_name": "first name|given name|firstname|voornaam|roepnaam|prenom",
    "middle_name": (
        "middle name|additional name|middelste naam|tweede voornaam|tussenvoegsel|deuxieme prenom|autre prenom"
    ),
    "last_name": "last name|family name|surname|lastname|achternaam|familienaam|nom de famille",
    "suffix": "suffix|name suffix|achtervoegsel|suffixe",
    "company": (
        "company|company name|organization|organisation|organization name|organization 1 name|business|"
        "bedrijf|bedrijfsnaam|firma|organisatie|societe|entreprise|organisme"
    ),
    "language": "language|preferred language|taal|voorkeurstaal|langue|locale",
    "notes": "notes|note|remarks|comments|notities|notitie|opmerkingen|opmerking|remarque|remarques|commentaires",
    "name": "name|full name|fullname|display name|contact|naam|volledige naam|nom|nom complet|nom et prenom",
}
_NUMBERS = {
    "mobile": (
        "mobile|mobile phone|mobile number|cell|cell phone|cellphone|gsm|sms|mobiel|mobiele telefoon|"
        "mobiel nummer|gsm nummer|portable|telephone portable|telephone mobile|tel mobile|tel portable|"
        "numero mobile|mobile pro"
    ),
    "home": (
        "home|home phone|landline|vast|vaste telefoon|vaste lijn|fixe|telephone fixe|home telephone|thuis|"
        "telefoon thuis|telefoon prive|prive|domicile|telephone domicile|tel domicile|telephone prive|"
        "telephone personnel"
    ),
    "work": (
        "work|work phone|business phone|office phone|company main phone|assistants phone|werk|"
        "telefoon op werk|telefoon werk|telefoon bedrijf|zakelijke telefoon|hoofdtelefoon bedrijf|"
        "telefoon assistent|bureau|travail|telephone bureau|tel bureau|telephone professionnel|"
        "telephone societe|telephone de l assistant|telephone de l assistante|telephone de l assistant e"
    ),
    "fax": (
        "fax|business fax|work fax|home fax|other fax|fax op werk|fax werk|fax thuis|andere fax|faxnummer|"
        "fax bureau|telecopie|telecopie bureau|telecopie domicile|telecopie autre"
    ),
    "other": (
        "other|other phone|car phone|radio phone|callback|pager|tty tdd phone|isdn|telex|andere|overige|"
        "andere telefoon|overige telefoon|autotelefoon|radiotelefoon|teksttelefoon|terugbellen|semafoon|"
        "autre|autre telephone|telephone autre|telephone voiture|radio telephone|rappel|rnis|"
        "recepteur de radiomessagerie|telephone telescripteur"
    ),
    "": (
        "phone|telephone|tel|phone number|number|primary phone|telefoon|telefoonnummer|nummer|hoofdtelefoon|"
        "numero|numero de telephone|telephone principal"
    ),
}
_EMAILS = {
    "other": (
        "e mail|email|mail|e mail address|email address|e mailadres|emailadres|mailadres|adres e mail|"
        "e mail adres|courriel|adresse de messagerie|adresse e mail|adresse email|adresse electronique|"
        "adresse mail|e mail adresse"
    ),
    "home": (
        "home e mail|home email|e mail thuis|e mail prive|e mail domicile|e mail personnel|personal e mail|"
        "personal email"
    ),
    "work": "work e mail|work email|e mail werk|e mail travail|business e mail|e mail professionnel",
}
_GOOGLE = re.compile(
    r"(phone|telefoon|telephone|e mail|email|adresse e mail) (\d+) (label|type|value|waarde|valeur|libelle)"
)
_NUMBERED = re.compile(r"^(.*?) ?(\d+)( .+)?$")
_NO_WORD = re.compile(r"[^a-z0-9]+")


class Column(NamedTuple):
    """What a column holds: `what` is a field of a record, `name`, `number`, `email` or `label`; nothing: not taken.

    `kind` is that of its numbers or addresses; `group` ties Google's label to its value.
    """

    what: str = ""
    kind: str = ""
    group: str = ""


KINDS: dict[str, str] = {
    name: kind for kind, names in reversed(_NUMBERS.items()) if kind for name in names.split("|")
} | {"main": "work", "homefax": "fax", "workfax": "fax", "iphone": "mobile"}
EMAIL_KINDS = {"home": "home", "work": "work", "thuis": "home", "werk": "work", "domicile": "home", "travail": "work"}
_KNOWN: dict[str, Column] = {
    **{name: Column(what) for what, names in _NAMES.items() for name in names.split("|")},
    **{name: Column("number", kind) for kind, names in _NUMBERS.items() for name in names.split("|")},
    **{name: Column("email", kind) for kind, names in _EMAILS.items() for name in names.split("|")},
}


def known_as(text: str) -> str:
    """Return a column's name as it is compared: `Téléphone (bureau)` is `telephone bureau`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NO_WORD.sub(" ", plain.replace("'s ", "s ")).strip()


def columns(header: list[str]) -> list[Column]:
    """Return what each column holds. Beside a column for first names, `Name` and `Nom` are last names."""
    found = [_column(known_as(each)) for each in header]
    whats = {each.what for each in found}
    if "first_name" in whats:
        beside = "" if "last_name" in whats else "last_name"
        found = [Column(beside) if each.what == "name" else each for each in found]
    return found


def kind_of(label: str) -> str:
    """Return the kind of number that Google's label names (`* Mobile`, `Work Fax`), or nothing."""
    return KINDS.get(known_as(label), "")


def _column(name: str) -> Column:
    google = _GOOGLE.fullmatch(name)
    if google:
        what = "number" if google[1] in {"phone", "telefoon", "telephone"} else "email"
        group = f"{what} {google[2]}"
        return Column("label" if google[3] in {"label", "type", "libelle"} else what, "", group)
    if name in _KNOWN:
        return _KNOWN[name]
    numbered = _NUMBERED.match(name)  # Home Phone 2, E-mail 2 Address, Téléphone 2 (bureau)
    if numbered is None or len(numbered[2]) > 2:
        return Column()
    again = _KNOWN.get(f"{numbered[1]}{numbered[3] or ''}".strip(), Column())
    return again if again.what in {"number", "email"} else Column()
