"""Which names speak of credentials, and which columns a statement writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.app.broadcasts import PROTECTED
from gate.app.credentials import names_account, names_credential, written_columns


@pytest.mark.parametrize(
    "name",
    ["password", "userPassword", "USER_PWD", "auth_token", "accesstoken", "mPin", "CVV", "密碼"]
    + ["使用者密碼", "client_secret", "wifi-passphrase"],
)
def test_a_credential_is_known_by_its_name(name: str) -> None:
    assert names_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        "remember_password",
        "isPinSet",
        "pinned",
        "spinner",
        "password_hash",
        "fcm_token",
        "tokenizer",
    ]
    + ["passwordHint", "secretary", "user", "", "nextPageToken"],
)
def test_a_name_about_something_else_is_none(name: str) -> None:
    assert not names_credential(name)


def test_an_account_is_a_whole_word() -> None:
    assert names_account("demoUser") and names_account("pw")
    assert not names_account("passenger") and not names_account("userHint")


@pytest.mark.parametrize(
    ("sql", "table", "columns"),
    [
        ("CREATE TABLE a (id INTEGER, pin TEXT)", "a", ("id", "pin")),
        ("create table if not exists `u`(`n` VARCHAR(80, 2), PRIMARY KEY(n))", "u", ("n",)),
        ('INSERT OR REPLACE INTO u (name, "pin") VALUES (?, ?)', "u", ("name", "pin")),
        ("replace into u values (1)", "u", ("",)),
        ("SELECT pin FROM u", "", ()),
    ],
)
def test_a_statement_gives_table_and_columns(
    sql: str, table: str, columns: tuple[str, ...]
) -> None:
    assert written_columns(sql) == (table, columns)


@given(st.text(alphabet="creatINSERT tableinto()`,'\"ab ?\n", max_size=200))
def test_any_text_is_read_without_failing(text: str) -> None:
    table, columns = written_columns(f"CREATE TABLE {text}")
    assert all(name in text for name in (table, *columns))
    assert names_credential(text) in (True, False)


def test_a_broadcast_of_an_app_is_not_protected() -> None:
    assert "android.intent.action.BOOT_COMPLETED" in PROTECTED
    assert "android.intent.action.DOWNLOAD_COMPLETE" not in PROTECTED
    assert not any(" " in name or ".." in name for name in PROTECTED)
