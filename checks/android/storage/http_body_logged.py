"""android-http-body-logged: the release logs requests or queries with their content."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Argument, Call, FieldRead, Number, Value, api
from gate.check import Finding, Severity, Unresolved, check

LEVELS = (
    api("okhttp3.logging.HttpLoggingInterceptor", "setLevel level"),
    api("com.squareup.okhttp.logging.HttpLoggingInterceptor", "setLevel"),
    api("retrofit.RestAdapter", "setLogLevel"),
    api("retrofit.RestAdapter$Builder", "setLogLevel"),
    api("io.ktor.client.plugins.logging.LoggingConfig", "setLevel"),
    api("io.ktor.client.plugins.logging.Logging$Config", "setLevel"),
    api("io.ktor.client.features.logging.Logging$Config", "setLevel"),
)
SWITCHES = (
    api("com.activeandroid.ActiveAndroid", "setLoggingEnabled"),
    api("com.j256.ormlite.logger.LocalLog", "setGlobalLogLevel"),
    api("androidx.room.RoomDatabase$Builder", "setQueryCallback"),
)
CONTENT = {
    "BODY": "bodies", "HEADERS": "headers", "FULL": "headers and bodies",
    "ALL": "headers and bodies", "HEADERS_AND_ARGS": "headers",
}  # fmt: skip
DEBUG_FLAGS = (
    ("BuildConfig", "DEBUG"),
    ("android.content.pm.ApplicationInfo", "flags"),
    ("android.os.Build", "IS_DEBUGGABLE"),
)
DEPTH = 4


@check(AndroidApp, severity=Severity.MEDIUM, cwe=532, masvs="MASVS-STORAGE-2")
def http_body_logged(app: AndroidApp) -> Iterator[Finding | Unresolved]:
    """
    The release logs HTTP headers and bodies, or database queries.

    Looks at: Every value of the log level given to OkHttp's HttpLoggingInterceptor (BODY, HEADERS),
    Retrofit 1's RestAdapter (FULL, HEADERS) and Ktor's Logging (ALL, BODY, HEADERS); query logging
    that ActiveAndroid, ORMLite or Room are told to do. Left out: what runs only behind a test of
    BuildConfig.DEBUG or FLAG_DEBUGGABLE, in the method itself or at all of its callers, and a level
    that such a test chooses.

    Matters because: Bodies and headers carry passwords, session tokens, account numbers and orders.
    The log is read over USB, goes into bug reports, and into the log files of crash reporters.

    Fix by: Calling interceptor.setLevel(BuildConfig.DEBUG ? HttpLoggingInterceptor.Level.BODY :
    HttpLoggingInterceptor.Level.NONE), or adding the interceptor in the debug source set only.
    redactHeader hides single headers, never a body.

    Cannot see: Interceptors that the app writes itself, a level set in native code or by
    reflection, and these libraries where a shrinker has renamed them.
    """
    for call in app.code.calls(*LEVELS):
        level = call.argument(0)
        if call.method.owner == call.owner or _debug_only(call, DEPTH):
            continue
        for value in level.values:
            content = CONTENT.get(value.name, "") if isinstance(value, FieldRead) else ""
            if isinstance(value, FieldRead) and content and not level.rests_on(value, *DEBUG_FLAGS):
                yield _finding(call, value.name, f"sets the log level {value.name}, which logs the"
                               f" {content} of requests and answers", level, value)  # fmt: skip
        known = all(isinstance(value, FieldRead) for value in level.values)
        if not known and call.method.is_first_party:
            yield Unresolved(call.method.name, f"the log level is {level.why}", call.at)
    for call in app.code.calls(*SWITCHES):
        if call.argument(0).values != (Number(0),) and not _debug_only(call, DEPTH):
            yield _finding(call, call.name, f"calls {call.name}, which logs database queries")


def _finding(
    call: Call, what: str, words: str, level: Argument | None = None, value: Value | None = None
) -> Finding:
    return Finding(
        f"{call.method.name} {what}",
        f"{call.method.name} {words}, with no debug flag tested before.",
        at=call.at,
        origin=call.method.origin,
        flow=level.steps(value) if level and value else (),
    )


def _debug_only(call: Call, depth: int) -> bool:
    """Whether a test of a debug flag decides about the call, or about all that lead to it."""
    if call.guarded_by(*DEBUG_FLAGS):
        return True
    callers = tuple(call.method.callers()) if depth else ()
    return bool(callers) and all(_debug_only(each, depth - 1) for each in callers)
