"""android-sql-injection: text from outside becomes part of SQL."""

from collections.abc import Iterator

from gate.app import AndroidApp
from gate.app.code import Call, api
from gate.check import Finding, Severity, check

# The parameters that are SQL, by method name; values bound to "?" are no SQL.
SQL = {
    "rawQuery": (0,), "rawQueryWithFactory": (1,), "execSQL": (0,), "compileStatement": (0,),
    "delete": (1,), "update": (2,), "updateWithOnConflict": (2,), "appendWhere": (0,),
    "appendWhereStandalone": (0,), "execPerConnectionSQL": (0,), "rawExecSQL": (0,),
}  # fmt: skip
# Of query by the number of its parameters: table, selection, grouping, order, limit.
QUERY: dict[str, dict[int, tuple[int, ...]]] = {
    "SQLiteDatabase": {7: (0, 2, 4, 5, 6), 8: (0, 2, 4, 5, 6, 7), 9: (1, 3, 5, 6, 7, 8),
                       10: (1, 3, 5, 6, 7, 8)},
    "SQLiteQueryBuilder": {7: (2, 4, 5, 6), 8: (2, 4, 5, 6, 7), 9: (2, 4, 5, 6, 7)},
    "SupportSQLiteDatabase": {1: (0,), 2: (0,)},
}  # fmt: skip
OWNERS = (
    "android.database.sqlite.", "net.sqlcipher.", "net.zetetic.database.sqlcipher.",
    "androidx.sqlite.db.",
)  # fmt: skip
ROOM = "androidx.sqlite.db.SimpleSQLiteQuery"
STRICT = {"setStrict", "setStrictColumns", "setStrictGrammar", "setProjectionMap"}
SINKS = tuple(
    api(owner, " ".join((*SQL, "query")))
    for owner in (
        "android.database.sqlite.SQLiteDatabase", "android.database.sqlite.SQLiteQueryBuilder",
        "net.sqlcipher.database.SQLiteDatabase", "net.sqlcipher.database.SQLiteQueryBuilder",
        "net.zetetic.database.sqlcipher.SQLiteDatabase", "androidx.sqlite.db.SupportSQLiteDatabase",
    )
) + (api(ROOM, "<init>"),)  # fmt: skip
ESCAPED = api("android.database.DatabaseUtils", "sqlEscapeString")


@check(AndroidApp, severity=Severity.HIGH, cwe=89, masvs="MASVS-CODE-4")
def sql_injection(app: AndroidApp) -> Iterator[Finding]:
    """
    Text from outside the app becomes part of an SQL statement.

    Looks at: What users type, the intents and queries that other apps may send to components,
    results of other apps, what web pages and servers pass in, followed through the code to the SQL
    of rawQuery, execSQL, compileStatement, appendWhere and new SimpleSQLiteQuery, and to the
    selection, grouping and order of query, update and delete. Values bound to "?", numbers read
    from the text and results of DatabaseUtils.sqlEscapeString are no SQL.

    Matters because: Whoever writes that text also writes the statement: it can read other tables
    through UNION, change which rows a condition admits, or change and delete what is stored. A
    provider that others may query hands this to every app on the device.

    Fix by: Writing db.rawQuery("SELECT * FROM notes WHERE title = ?", new String[] {title}):
    constant SQL and the text as selectionArgs. In a ContentProvider call setStrict(true),
    setStrictColumns(true), setStrictGrammar(true) and setProjectionMap(...) on SQLiteQueryBuilder.
    Choose a sort order from constants.

    Cannot see: Text that reaches SQL through files, native code or reflection, and checks of the
    text that the code makes before it uses it.
    """
    if not any(True for _ in app.code.calls(*SINKS)):
        return
    for source in app.code.inputs("intent", "result", "provider", "user", "web", "network"):
        if not (source.exposed and source.is_first_party):
            continue
        for flow in source.flows(ESCAPED):
            call = flow.call
            if not is_sql(call, flow.argument):
                continue
            if source.kind == "provider" and is_strict(call):
                continue
            yield Finding(
                call.method.name,
                f"{source.said} becomes part of the SQL that {call.method.name} gives to"
                f" {call.owner.rpartition('.')[2]}.{call.name}.",
                at=call.at,
                origin=call.method.origin,
                flow=(source.at, *flow.steps),
            )


def is_sql(call: Call, argument: int) -> bool:
    """Whether a parameter of a call is SQL text."""
    if call.owner == ROOM:
        return call.name == "<init>" and argument == 0
    if not call.owner.startswith(OWNERS):
        return False
    if call.name == "query":
        places = QUERY.get(call.owner.rpartition(".")[2], {})
        return argument in places.get(len(call.parameters), ())
    return argument in SQL.get(call.name, ())


def is_strict(call: Call) -> bool:
    """Whether the query builder admits only what it knows."""
    return any(each.name in STRICT for each in call.on_receiver())
