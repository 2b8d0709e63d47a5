"""The policy of App Transport Security for one host, as the system computes it."""

from typing import Any

import pytest

from gate.app import Bundle
from gate.app.ats import AtsPolicy, policy


def stated(said: dict[str, Any], oldest: int = 15, platform: str = "iPhoneOS") -> AtsPolicy:
    info = {"NSAppTransportSecurity": said, "CFBundleSupportedPlatforms": [platform]}
    found = policy(Bundle("Payload/X.app", "app", info, "", ""), oldest)
    assert found is not None
    return found


def test_without_the_key_there_is_no_policy_to_tell() -> None:
    assert policy(Bundle("Payload/X.app", "app", {}, "", ""), 15) is None


def test_an_unlisted_host_is_held_to_the_default() -> None:
    host = stated({"NSExceptionDomains": {}}).for_host("api.example.com")
    assert (host.plain_http, host.minimum_tls, host.forward_secrecy) == (False, "TLSv1.2", True)
    assert host.by == ""


def test_arbitrary_loads_free_all_hosts_but_the_listed_ones() -> None:
    domains = {"bank.example.com": {"NSIncludesSubdomains": True}}
    found = stated({"NSAllowsArbitraryLoads": True, "NSExceptionDomains": domains})
    assert found.for_host("example.com").plain_http
    assert not found.for_host("login.bank.example.com").plain_http
    assert found.for_host("login.bank.example.com").forward_secrecy


@pytest.mark.parametrize("key", ["InWebContent", "ForMedia"])
def test_a_narrower_key_ends_arbitrary_loads_on_systems_that_know_it(key: str) -> None:
    said = {"NSAllowsArbitraryLoads": True, f"NSAllowsArbitraryLoads{key}": False}
    assert not stated(said, 10).arbitrary
    assert stated(said, 9).arbitrary
    assert not stated(said, 3, "WatchOS").arbitrary


def test_the_closest_domain_decides_and_subdomains_have_to_be_included() -> None:
    found = stated(
        {
            "NSExceptionDomains": {
                "example.com": {
                    "NSIncludesSubdomains": True,
                    "NSExceptionAllowsInsecureHTTPLoads": True,
                },
                "safe.example.com": {"NSExceptionMinimumTLSVersion": "TLSv1.3"},
            }
        }
    )
    assert found.for_host("a.example.com").plain_http
    assert not found.for_host("safe.example.com").plain_http
    assert found.for_host("safe.example.com").minimum_tls == "TLSv1.3"
    assert found.for_host("x.safe.example.com").by == "example.com"
    assert found.for_host("notexample.com").by == ""


def test_of_several_spellings_the_loosest_counts() -> None:
    rules = {
        "NSExceptionMinimumTLSVersion": "TLSv1.2",
        "NSTemporaryExceptionMinimumTLSVersion": "TLSv1.1",
        "NSThirdPartyExceptionRequiresForwardSecrecy": False,
    }
    host = stated({"NSExceptionDomains": {"a.example.com": rules}}).for_host("A.example.com.")
    assert (host.minimum_tls, host.forward_secrecy) == ("TLSv1.1", False)


def test_local_networking_frees_local_hosts_alone() -> None:
    found = stated({"NSAllowsLocalNetworking": True})
    hosts = ("printer.local", "printer", "192.168.1.7", "fe80::1", "example.com")
    assert [found.for_host(host).plain_http for host in hosts] == [True, True, True, True, False]


def test_pinned_domains_are_told() -> None:
    found = stated({"NSPinnedDomains": {"example.com": {"NSIncludesSubdomains": True}}})
    assert found.for_host("api.example.com").pinned
    assert not found.for_host("example.org").pinned


def test_values_of_another_type_state_nothing() -> None:
    found = stated({"NSAllowsArbitraryLoads": "yes", "NSExceptionDomains": {"a": 1}})
    assert not found.arbitrary and not found.domains
