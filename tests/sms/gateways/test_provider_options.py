"""OPTIONS of a provider without code: what cannot be stops the start, named by its path, never by its value."""

import copy

import pytest
from django.core.exceptions import ImproperlyConfigured

from sms.gateways import configured
from sms.gateways.provider import Provider

BACKEND = "sms.gateways.provider.Provider"
SECRET = "s3cret"
WHOLE = {
    "url": "https://api.example/v1/{account}/sms",
    "method": "POST",
    "headers": {"Idempotency-Key": "{reference}"},
    "auth": {"basic": {"username": "{account}", "password": SECRET}},
    "body": {"json": {"to": ["{number}"], "text": "{text}", "wide": "{encoding}", "back": "{receipts_url}"}},
    "encodings": {"gsm7": False, "ucs2": True},
    "accepted": {"statuses": [200, 202], "reference": "id", "when": {"at": "state", "is": ["queued"]}},
    "errors": {
        "statuses": {"401": "elsewhere"},
        "code": {"in": [400], "at": "code"},
        "codes": {"7": "refused:barred"},
        "retry_after": "X-Wait",
    },
    "dedupes": True,
    "lookup": {
        "url": "https://api.example/v1/sms/{reference}",
        "statuses": [200],
        "reference": "id",
        "ours": {"at": "ours", "is": "{reference}"},
    },
    "receipts": {
        "content": "json",
        "list": "events",
        "reference": "ours",
        "gateway_reference": "id",
        "state": "state",
        "states": {"done": "delivered"},
        "time": {"at": "at", "format": "iso", "zone": "Europe/Brussels"},
        "verify": {"hmac": {"over": "body", "header": "X-Signature", "secret": SECRET}},
    },
    "values": {"account": "a-1"},
    "window": 5,
}
MISSING = object()


def changed(path, value):
    options = copy.deepcopy(WHOLE)
    table = options
    for name in path[:-1]:
        table = table[name]
    if value is MISSING:
        del table[path[-1]]
    else:
        table[path[-1]] = value
    return options


def refusal(options):
    with pytest.raises(ImproperlyConfigured) as refused:
        configured.build("x", {"BACKEND": BACKEND, "OPTIONS": options})
    assert SECRET not in str(refused.value)
    return str(refused.value).removeprefix("SMS_GATEWAYS['x']['OPTIONS']")


def test_the_whole_is_right():
    built = configured.build("x", {"BACKEND": BACKEND, "OPTIONS": WHOLE})
    assert isinstance(built, Provider)
    assert (built.url, built.window) == ("https://api.example/v1/a-1/sms", 5)
    assert built.dedupes_by_reference
    assert built.can_query
    assert built.receipts_carry_reference
    assert built.receipts_url.endswith("/receipts/x/")
    assert SECRET not in repr(built)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        # the request
        (("url",), MISSING, "['url'] is missing."),
        (("url",), "ftp://s3cret", "['url'] must begin with http:// or https://."),
        (("url",), 7, "['url'] must be text."),
        (("urll",), "s3cret", "['urll'] is not an option of Provider."),
        (("method",), "DELETE", "['method'] must be one of POST, PUT, GET."),
        (("method",), "GET", "['body'] must be a query, because GET has no body."),
        (("headers",), ["s3cret"], "['headers'] must be a table."),
        (("headers",), {"X Key": "s3cret"}, "['headers']['X Key'] must be the name of a header."),
        (("headers",), {"X-Key": 7}, "['headers']['X-Key'] must be text."),
        (("auth",), {}, "['auth'] must have one of basic, bearer, header."),
        (("auth",), {"basic": {"username": "a", "password": "s3cret"}, "bearer": "s3cret"},
         "['auth'] must have one of basic, bearer, header."),
        (("auth",), {"digest": "s3cret"}, "['auth']['digest'] means nothing here. Known: basic, bearer, header."),
        (("auth",), {"bearer": ""}, "['auth']['bearer'] must not be empty."),
        (("auth",), {"bearer": "{text}"},
         "['auth']['bearer'] cannot have the placeholder {text}: it is not known here."),
        (("auth", "basic", "password"), MISSING, "['auth']['basic']['password'] is missing."),
        (("auth",), {"header": {"name": "X:", "value": "s3cret"}},
         "['auth']['header']['name'] must be the name of a header."),
        (("body",), {"xml": "s3cret"}, "['body']['xml'] means nothing here. Known: json, form, query."),
        (("body",), {"form": {"a": ["s3cret"]}}, "['body']['form']['a'] must be text."),
        (("body",), {"json": {"to": [{"a": "{nummer}"}]}},
         "['values']['nummer'] is missing: body.json.to.0.a has it as a placeholder."),
        (("encodings",), {"gsm7": 0}, "['encodings']['ucs2'] is missing."),
        (("encodings", "utf8"), 1, "['encodings']['utf8'] means nothing here. Known: gsm7, ucs2."),
        (("values",), {}, "['values']['account'] is missing: auth.basic.username has it as a placeholder."),
        (("values", "acount"), "s3cret", "['values']['acount'] is a placeholder nowhere."),
        (("values", "text"), "s3cret", "['values']['text'] is the name of what each message says."),
        (("values", "account"), 7, "['values']['account'] must be text."),
        (("values",), "s3cret", "['values'] must be a table."),
        (("dedupes",), "yes", "['dedupes'] must be true or false or null."),
        (("headers",), {}, "['dedupes'] needs the placeholder {reference} in url, headers or body."),
        (("receipts_url",), "office", "['receipts_url'] must begin with http:// or https://."),
        (("receipts_url",), "", "['receipts_url'] is missing: the request has it as a placeholder."),
        # what answers mean
        (("accepted",), MISSING, "['accepted'] is missing."),
        (("accepted", "statuses"), [], "['accepted']['statuses'] must be a list of statuses from 200 to 299"),
        (("accepted", "statuses"), [302], "['accepted']['statuses'] must be a list of statuses from 200 to 299"),
        (("accepted", "statuses"), [500], "['accepted']['statuses'] must be a list of statuses from 200 to 299"),
        (("accepted", "statuses"), ["200"], "['accepted']['statuses'] must be a list of statuses from 200 to 299"),
        (("accepted", "statuses"), [404], "['accepted']['statuses'] must be from 200 to 299."),
        (("accepted", "reference"), MISSING, "['accepted']['reference'] is missing."),
        (("accepted", "reference"), "", "['accepted']['reference'] must be text."),
        (("accepted", "reference"), {"after": "<id>"}, "['accepted']['reference']['until'] is missing."),
        (("accepted", "reference"), {"after": "<id>", "until": ""},
         "['accepted']['reference']['until'] must be text."),
        (("accepted", "reference"), {"regex": "(a+)+"}, "['accepted']['reference']['regex'] means nothing here."),
        (("accepted", "reference"), {"header": "a b"},
         "['accepted']['reference']['header'] must be the name of a header."),
        (("accepted", "reference"), 7, "['accepted']['reference'] must be a table."),
        (("accepted", "when", "is"), "queued", "['accepted']['when']['is'] must be a list of texts."),
        (("accepted", "relayed"), "no", "['accepted']['relayed'] must be true or false."),
        (("errors", "statuses"), {"200": "refused"}, "['errors']['statuses'] must not have a status that is a yes."),
        (("errors", "statuses"), {"503": "throttled"}, "['errors']['statuses']['503'] must be a status from 200"),
        (("errors", "statuses"), {"4xx": "refused"}, "['errors']['statuses']['4xx'] must be a status from 200"),
        (("errors", "statuses", "401"), "permanent",
         "['errors']['statuses']['401'] must be one of refused, elsewhere, throttled, not_sent, accepted."),
        (("errors", "codes", "7"), "refused:Not Good",
         "['errors']['codes']['7'] must have a reason of small letters, digits and _."),
        (("errors", "codes"), MISSING, "['errors']['codes'] is missing."),
        (("errors", "code", "in"), MISSING, "['errors']['code']['in'] is missing."),
        (("errors", "retry_after"), "", "['errors']['retry_after'] must be the name of a header."),
        # asking
        (("lookup", "ours"), MISSING, "['lookup']['ours'] is missing."),
        (("lookup", "url"), "https://x/{number}",
         "['lookup']['url'] cannot have the placeholder {number}: it is not known here."),
        (("lookup", "stats"), [200], "['lookup']['stats'] means nothing here."),
        # receipts
        (("receipts", "verify"), MISSING, "['receipts']['verify'] is missing."),
        (("receipts", "verify"), {}, "['receipts']['verify'] must have one of hmac, secret, basic."),
        (("receipts", "verify", "hmac", "secret"), "", "['receipts']['verify']['hmac']['secret'] must not be empty."),
        (("receipts", "verify", "hmac", "algorithm"), "md5",
         "['receipts']['verify']['hmac']['algorithm'] must be one of sha1, sha256, sha512."),
        (("receipts", "verify", "hmac", "encoding"), "octal",
         "['receipts']['verify']['hmac']['encoding'] must be one of hex, base64."),
        (("receipts", "verify", "hmac", "over"), "nothing",
         "['receipts']['verify']['hmac']['over'] must be one of body, url_and_form."),
        (("receipts", "verify"), {"secret": {"at": "body.key", "value": "s3cret"}},
         "['receipts']['verify']['secret']['at'] must be a table."),
        (("receipts", "verify"), {"secret": {"at": {"query": "key"}, "value": ""}},
         "['receipts']['verify']['secret']['value'] must not be empty."),
        (("receipts", "content"), "xml", "['receipts']['content'] must be one of json, form, query."),
        (("receipts", "state"), MISSING, "['receipts']['state'] is missing."),
        (("receipts", "state"), 7, "['receipts']['state'] must be a table."),
        (("receipts", "states"), ["s3cret"], "['receipts']['states'] must be a table."),
        (("receipts", "states", "done"), "arrived",
         "['receipts']['states']['done'] must be one of buffered, delivered, undelivered, left, refused, ignored."),
        (("receipts", "time", "format"), "%H:%M", "['receipts']['time']['format'] must be iso, unix, unix_ms or a"),
        (("receipts", "time", "format"), "soon", "['receipts']['time']['format'] must be iso, unix, unix_ms or a"),
        (("receipts", "time", "zone"), "Europe/Gent", "['receipts']['time']['zone'] must name a time zone"),
        (("receipts", "time", "zone"), "../etc/passwd", "['receipts']['time']['zone'] must name a time zone"),
        # what every adapter has
        (("window",), 0, "['window'] must be from 1 to 1000."),
        (("timeout",), 60, "['timeout'] must be more than 0 and at most 20 seconds."),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named_by_its_path(path, value, sentence):
    assert refusal(changed(path, value)).startswith(sentence)


def test_receipts_without_any_reference_are_refused():
    options = changed(("receipts", "reference"), MISSING)
    del options["receipts"]["gateway_reference"]
    assert refusal(options) == "['receipts'] must have a reference or a gateway_reference."


def test_a_signature_over_our_address_needs_it():
    options = {"url": "http://x/", "accepted": WHOLE["accepted"], "receipts": copy.deepcopy(WHOLE["receipts"])}
    options["receipts"]["verify"]["hmac"]["over"] = "url_and_form"
    options["receipts_url"] = ""
    assert refusal(options) == "['receipts_url'] is missing: the signature of receipts is over it."


def test_a_dialect_that_is_none_is_told_what_there_is():
    assert refusal({"dialect": "../../secrets"}).startswith("['dialect'] must be one of ")
    assert refusal({"dialect": "/nowhere/ours.toml"}) == "['dialect'] cannot be read: FileNotFoundError."


def test_a_dialect_of_ones_own_is_a_file_and_options_beside_it_win(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text('url = "http://x/"\ndedupes = true\n[body.form]\nref = "{reference}"\n'
                    '[accepted]\nstatuses = [200]\nreference = "id"\n')  # fmt: skip
    assert Provider(dialect=str(path)).dedupes_by_reference
    assert not Provider(dialect=str(path), dedupes=False).dedupes_by_reference
    assert Provider(dialect=str(path), url="http://y/").url == "http://y/"
    path.write_text("url = [")
    assert refusal({"dialect": str(path)}) == "['dialect'] cannot be read: TOMLDecodeError."
    path.write_text('window = 7\nurl = "http://x/"')
    assert refusal({"dialect": str(path)}).startswith("['window'] means nothing here.")


def test_a_value_is_text_whatever_stands_in_it():
    given = {"url": "http://x/", "accepted": WHOLE["accepted"], "auth": {"bearer": "{token}"}}
    provider = Provider(**given, values={"token": "a{text}b"})
    assert provider.spoken.request.headers["Authorization"].fill({}) == "Bearer a{text}b"
