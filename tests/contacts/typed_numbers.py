"""Random numbers as people, pages and machines write them."""

import phonenumbers
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

_COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)

written = st.text(alphabet="+0123456789 ()[]-./\u00a0\u200e", max_size=24)
near_misses = st.text(alphabet="+0123456789٣８ ()-./extOol;=:t\x00\u202a²", max_size=30)
anything = st.text(st.characters(exclude_categories=()), max_size=80)
countries = st.none() | st.sampled_from(_COUNTRIES)


def _patterns(country):
    metadata = PhoneMetadata.metadata_for_region(country)
    ranges = [metadata.mobile, metadata.fixed_line, metadata.toll_free, metadata.premium_rate, metadata.general_desc]
    return [f"[+]{metadata.country_code}(?:{each.national_number_pattern})" for each in ranges if each]


_in_the_metadata = st.sampled_from(_COUNTRIES).flatmap(
    lambda country: st.sampled_from(_patterns(country)).flatmap(lambda pattern: st.from_regex(pattern, fullmatch=True))
)
international = _in_the_metadata | st.from_regex(r"[+][1-9][0-9]{3,15}", fullmatch=True)
