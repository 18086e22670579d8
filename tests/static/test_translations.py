"""Every sentence that a user reads stands in Dutch and French, with the same placeholders."""

import pytest

from office import translations


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_nothing_is_untranslated(language: str) -> None:
    lines = translations.faults(language, sentences=translations.gathered())
    print(*lines, sep="\n")
    if lines:
        pytest.fail(f"{len(lines)} to translate; `make messages` puts new sentences into the catalogue", pytrace=False)


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_nothing_is_translated_in_vain(language: str) -> None:
    wanted = {(message.id, message.context) for message in translations.gathered()}
    kept = {(message.id, message.context) for message in translations.read(language)}
    assert kept <= wanted, "`make messages` removes these from the catalogue"
