"""What the engine knows of the classes that Android brings along."""

import time
from importlib import resources

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.dalvik.framework import Framework

LINES = resources.files("gate.dalvik").joinpath("framework.tsv").read_bytes().splitlines()
NAMES = [line.split(b"\t")[0] for line in LINES]


def ancestors(kind: bytes) -> list[bytes]:
    framework, chain = Framework(), [kind]
    while (above := framework.parent(chain[-1])) is not None:
        chain.append(above)
    return chain


def test_the_table_is_sorted_and_names_each_class_once() -> None:
    assert sorted(set(NAMES)) == NAMES


def test_the_table_stays_small() -> None:
    assert sum(len(line) + 1 for line in LINES) < 700_000


def test_every_line_is_found_by_its_descriptor() -> None:
    framework = Framework()
    for line in LINES:
        name, parent, interfaces, methods = line.split(b"\t")
        assert framework.knows(name)
        assert b",".join(framework.interfaces(name)) == interfaces
        assert framework.methods(name) == frozenset(filter(None, methods.split(b",")))
        if name != b"Ljava/lang/Object;":
            assert framework.parent(name) == (parent or b"Ljava/lang/Object;")


def test_every_class_descends_from_object() -> None:
    orphans = {name for name in NAMES if ancestors(name)[-1] != b"Ljava/lang/Object;"}
    # These parents lie in packages that the table leaves out, or are hidden from apps.
    assert len(orphans) < 25, sorted(orphans)


def test_an_activity_is_a_context() -> None:
    assert ancestors(b"Landroid/app/Activity;") == [
        b"Landroid/app/Activity;",
        b"Landroid/view/ContextThemeWrapper;",
        b"Landroid/content/ContextWrapper;",
        b"Landroid/content/Context;",
        b"Ljava/lang/Object;",
    ]
    assert b"openFileOutput" in Framework().methods(b"Landroid/content/Context;")


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (b"Landroid/webkit/WebViewClient;", b"onReceivedSslError"),
        (b"Landroid/webkit/WebViewClient;", b"onSafeBrowsingHit"),
        (b"Ljavax/net/ssl/X509TrustManager;", b"checkServerTrusted"),
        (b"Ljavax/net/ssl/X509ExtendedTrustManager;", b"checkServerTrusted"),
        (b"Ljavax/net/ssl/HostnameVerifier;", b"verify"),
        (b"Landroid/content/ContentProvider;", b"openFile"),
        (b"Landroid/app/Activity;", b"onCreate"),
        (
            b"Landroid/hardware/biometrics/BiometricPrompt$AuthenticationCallback;",
            b"onAuthenticationSucceeded",
        ),
        (b"Landroid/app/job/JobService;", b"onStartJob"),
        (b"Ljava/util/function/Supplier;", b"get"),
        (b"Ljava/lang/Runnable;", b"run"),
    ],
)
def test_what_apps_override_is_known_to_some_supertype(kind: bytes, method: bytes) -> None:
    framework = Framework()
    work, found = [kind], set[bytes]()
    while work:
        each = work.pop()
        found |= framework.methods(each)
        work += [*framework.interfaces(each), *filter(None, [framework.parent(each)])]
    assert method in found


def test_the_later_trust_manager_is_one_of_the_earlier_kind() -> None:
    interfaces = Framework().interfaces(b"Ljavax/net/ssl/X509ExtendedTrustManager;")
    assert interfaces == (b"Ljavax/net/ssl/X509TrustManager;",)
    assert Framework().interfaces(interfaces[0]) == (b"Ljavax/net/ssl/TrustManager;",)


@given(st.one_of(st.binary(max_size=40), st.sampled_from(NAMES).map(lambda name: name[:-1])))
def test_what_is_not_in_the_table_is_not_known(descriptor: bytes) -> None:
    assume(descriptor not in NAMES)
    framework = Framework()
    assert not framework.knows(descriptor)
    assert framework.parent(descriptor) is None
    assert framework.interfaces(descriptor) == ()
    assert framework.methods(descriptor) == frozenset()


def test_a_descriptor_cannot_run_on_into_the_next_column() -> None:
    assert not Framework().knows(LINES[100].rpartition(b"\t")[0])


def test_the_first_question_takes_no_parse_of_the_table() -> None:
    Framework().knows(b"Ljava/lang/Object;")
    begin = time.process_time()
    for name in NAMES[::50]:
        Framework().knows(name)
    assert time.process_time() - begin < 0.5
