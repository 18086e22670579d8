"""The catalogue: gathers the sentences of every app into office/locale, and tells what has no translation.

`python -m office.translations` (make messages) updates the .po files. Babel does the work: a fresh machine has no
GNU gettext.
"""

import io
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parent.parent
LOCALE = PROJECT / "office" / "locale"
LANGUAGES = ("nl", "fr")
FOLDERS = ("office", "agenda", "messaging", "sms", "credit", "contacts", "templates")
METHODS = [("**/migrations/**", "ignore"), ("**.py", "python"), ("**.html", "office.translations:extract_template")]
METHODS += [("**.txt", "office.translations:extract_template")]
KEYWORDS: dict[str, Any] = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
LINE_WIDTH = 110


def extract_template(source: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[tuple[Any, ...]]:
    """Babel's extractor of Django templates: line, function, texts and comments of each sentence.

    Django turns the template into Python-like lines; their indentation means nothing and would stop the tokenizer.
    """
    python_like = templatize(source.read().decode())
    lines = "\n".join(line.lstrip() for line in python_like.split("\n"))
    yield from extract_python(io.BytesIO(lines.encode()), keywords, comment_tags, {"encoding": "utf-8", **options})


def gathered() -> Catalog:
    """Return a catalogue of every sentence marked for translation, in the order of the files."""
    catalog = Catalog(project="SMS office", charset="utf-8", fuzzy=False)
    for folder in FOLDERS:
        found = extract_from_dir(
            PROJECT / folder, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
        )
        for path, _line, text, comments, context in sorted(found, key=lambda entry: entry[:2]):
            place = (f"{folder}/{Path(path).as_posix()}", 0)
            catalog.add(text, None, [place], auto_comments=comments, context=context)
    return catalog


def po_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """Return the catalogue of a language; an empty one where there is none yet."""
    path = po_file(language)
    if not path.exists():
        return Catalog(locale=language, project="SMS office", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, *, sentences: Catalog) -> None:
    """Write the .po of a language anew: new sentences empty, those no longer used gone, no guessed translations."""
    catalog = read(language)
    catalog.update(sentences, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=LINE_WIDTH, omit_header=False, include_lineno=False, ignore_obsolete=True)


def faults(language: str, *, sentences: Catalog) -> list[str]:
    """Return a line for each sentence without a translation, or whose placeholders the translation does not keep."""
    catalog = read(language)
    return [line for sentence in sentences if sentence.id for line in faults_of(sentence, catalog=catalog)]


def faults_of(sentence: Message, *, catalog: Catalog) -> Iterator[str]:
    first = sentence.id if isinstance(sentence.id, str) else sentence.id[0]
    where = sentence.locations[0][0] if sentence.locations else "?"
    found = catalog.get(first, sentence.context)
    if found is None or not is_whole(found):
        yield f"{catalog.locale}: no translation of {first!r} ({where})"
        return
    yield from (f"{catalog.locale}: {error} in {first!r}" for error in found.check(catalog))
    if fields(sentence.id) != fields(found.string):
        yield f"{catalog.locale}: other placeholders in {found.string!r} than in {first!r}"


def is_whole(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return not message.fuzzy and all(forms)


def fields(text: Any) -> set[str]:
    """Return the names in braces; a text that is no format string has none."""
    forms = text if isinstance(text, tuple | list) else (text,)
    try:
        return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}
    except ValueError:
        return set()


def main() -> None:
    sentences = gathered()
    for language in LANGUAGES:
        update(language, sentences=sentences)
        lines = faults(language, sentences=sentences)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.write(f"{language}: {len(sentences)} sentences, {len(lines)} to translate or to mend\n")


if __name__ == "__main__":
    main()
