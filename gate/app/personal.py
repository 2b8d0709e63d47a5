"""Where data about a person and their device comes into an app's code, and by which names it goes.

Sources: developer.android.com, reference of android.telephony, android.location, android.accounts
and android.provider.
"""

import re
from collections.abc import Callable, Iterator

from gate.app.code import Call, Code, FieldRead, Flow, Returned, Text, api
from gate.app.credentials import names_account, names_credential
from gate.app.location import Location
from gate.frozen import dataclass

TELEPHONY = "android.telephony.TelephonyManager"
DEVICE = (
    api(TELEPHONY, "getDeviceId getImei getMeid getSubscriberId getSimSerialNumber"),
    api(TELEPHONY, "getLine1Number getVoiceMailNumber getGroupIdLevel1"),
    api("android.telephony.SubscriptionInfo", "getIccId getNumber"),
    api("android.net.wifi.WifiInfo", "getMacAddress"),
    api("android.bluetooth.BluetoothAdapter", "getAddress"),
    api("android.os.Build", "getSerial"),
)
LOCATION = (
    api("android.location.Location", "getLatitude getLongitude"),
    api("android.location.LocationManager", "getLastKnownLocation"),
    api(TELEPHONY, "getCellLocation getAllCellInfo"),
    api("android.telephony.gsm.GsmCellLocation", "getCid getLac"),
)
ACCOUNTS = (
    api("android.accounts.AccountManager", "getAccounts getAccountsByType getPassword"),
    api("android.accounts.AccountManager", "peekAuthToken blockingGetAuthToken getUserData"),
)
MESSAGES = (
    api("android.telephony.SmsMessage", "getMessageBody getDisplayMessageBody"),
    api("android.telephony.SmsMessage", "getOriginatingAddress getDisplayOriginatingAddress"),
)
QUERIED = (
    api("android.content.ContentResolver", "query"),
    api("android.content.ContentProviderClient", "query"),
)
TYPED = (
    api("android.widget.TextView", "getText"),
    api("android.widget.EditText", "getText"),
    api("com.google.android.material.textfield.TextInputEditText", "getText"),
)
ASKED = (
    api("android.content.Intent", "getStringExtra getCharSequenceExtra getStringArrayExtra"),
    api("android.os.BaseBundle", "getString"),
    api("android.os.Bundle", "getString getCharSequence"),
    api("android.content.SharedPreferences", "getString"),
    api("org.json.JSONObject", "getString optString"),
)
SOURCES = (*DEVICE, *LOCATION, *ACCOUNTS, *MESSAGES, *QUERIED, *TYPED, *ASKED)
LISTENER = "android.location.LocationListener"
_TABLES = ("android.provider.ContactsContract", "android.provider.CallLog", "android.provider.Sms",
           "android.provider.Telephony", "android.provider.Contacts", "android.provider.Browser",
           "android.provider.CalendarContract")  # fmt: skip
_ADDRESSES = re.compile(r"content://(sms|mms|contacts|com\.android\.contacts|call_log|icc|browser)")
_PERSONAL = re.compile(
    r"(?i)(?<![a-z])(?:e-?mails?|phone|msisdn|imei|imsi|ssn|iban|address|birthday|dob|cc|latitude"
    r"|longitude|location|national_?id|id_?number|card|credit_?card|cardholder|payload|otp"
    r"|account|user_?(?:name|id|data|info)|login(?:data)?|profile|session(?:id)?)(?![a-z])"
)
_CARD = re.compile(r"(?i)(?:^|[^a-z])(?:credit ?)?(?:card|cc|cvv|cvc|otp|iban|ssn)(?:[^a-z]|$)")
_LABEL = re.compile(
    r"(?i)(?:^|[^a-z])(?:password|passwd|passcode|passphrase|pin(?: ?code)?|cvv|cvc|otp|secret"
    r"|(?:access|auth|session|refresh|bearer|api)[ _-]?(?:token|key)|(?:credit|debit) ?card"
    r"|card ?(?:number|no)|密碼|密码)(?: is)?\s*[:=(\[{'\"»>-]*\s*$"
)
_WIDGET = re.compile(
    r"(?i)^(?:et|edt|txt|tv|tiet|til|input|edit)_?(?=[A-Z_])"
    r"|_?(?:edit_?text|text_?view|text_?input|layout|field|view|input|edit|text|box|txt|et|tv)\d*$"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A place where such data comes in; `what` names it, `secret` says that it is a credential."""

    what: str
    secret: bool
    method: str
    reachable: bool
    at: Location
    flows: Callable[[], Iterator[Flow]]


def device_sources(code: Code, own: bool) -> Iterator[Source]:
    """Identifiers, positions, accounts and messages, in the app's own code or in that of others.

    In its own code also what it asks the system's tables of contacts, messages and calls for.
    """
    known = ((DEVICE, "a device or subscriber id"), (LOCATION, "the location"),
             (ACCOUNTS, "account data"), (MESSAGES, "a text message"))  # fmt: skip
    for apis, what in known:
        for call in code.calls(*apis):
            if call.method.is_first_party is own:
                yield _source(call, what, what == "account data" and call.name != "getAccounts")
    for call in code.calls(*QUERIED) if own else ():
        if call.method.is_first_party and _asks_people(call):
            yield _source(call, "contacts, messages or calls", False)
    for each in code.subclasses(LISTENER):
        for method in each.methods("onLocationChanged") if each.is_first_party is own else ():
            yield Source("the location", False, method.name, method.reachable, method.at,
                         lambda method=method: method.flows(0))  # type: ignore[misc]  # fmt: skip


def _source(call: Call, what: str, secret: bool) -> Source:
    return Source(what, secret, call.method.name, call.method.reachable, call.at, call.flows)


def _asks_people(call: Call) -> bool:
    """Whether a query asks for contacts, messages or calls."""
    for value in call.argument(0).values:
        if isinstance(value, FieldRead) and value.owner.startswith(_TABLES):
            return True
        if isinstance(value, Text) and _ADDRESSES.match(value.text):
            return True
        made = call.argument(0).made_by(value) if isinstance(value, Returned) else None
        if made is not None and made.name in ("parse", "withAppendedPath", "withAppendedId"):
            texts = made.argument(0).texts
            if any(map(_ADDRESSES.match, texts)):
                return True
            if any(isinstance(each, FieldRead) and each.owner.startswith(_TABLES)
                   for each in made.argument(0).values):  # fmt: skip
                return True
    return False


def secret_sources(code: Code) -> Iterator[Source]:
    """Passwords and the like in the app's own code: typed, asked for by name, in named fields."""
    for call in code.calls(*TYPED):
        if call.method.is_first_party:
            names = [name for name in call.names(-1) if is_secret(widget_name(name))]
            if names:
                yield _source(call, f'what the user types into "{names[0]}"', True)
    for call in code.calls(*ASKED):
        if call.method.is_first_party:
            names = [name for name in call.argument(0).texts if is_secret(name)]
            if names:
                yield _source(call, f'"{names[0]}"', True)
    for field in code.named_fields(is_secret):
        yield Source(f'the field "{field.name}"', True, field.owner, True, field.at, field.flows)


def labels_secret(text: str) -> bool:
    """Whether a text says of what follows it that it is a secret: ``card number: ``."""
    return _LABEL.search(text[-60:]) is not None


def widget_name(name: str) -> str:
    """The name of a view without what it says of being one: ``etPassword`` gives ``Password``."""
    return _WIDGET.sub("", _WIDGET.sub("", name)) or name


def is_secret(name: str) -> bool:
    """Whether a name is that of a password, PIN, token, one-time code or card."""
    return names_credential(name) or _CARD.search(_spaced(name)) is not None


def is_personal(name: str) -> bool:
    """Whether a name is that of a credential, of an account, or of data about a person."""
    return is_secret(name) or names_account(name) or _PERSONAL.search(_spaced(name)) is not None


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name[:200])
