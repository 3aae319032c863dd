"""The server: who may come in, and how it ends."""

from __future__ import annotations

import base64
import signal
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.web.serving import serving

pytest.importorskip("nicegui", reason="the page needs the extra `web`")
from dreamcli.web.server import reachable_address

POLLING = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"


def status_of(address: str, user: str = "", data: bytes | None = None, **headers: str) -> int:
    request = urllib.request.Request(address, data, headers)
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_password_keeps_others_out(tmp_path: Path) -> None:
    with serving(tmp_path, "--password", "open sesame") as server:
        assert status_of(server.address) == 401
        assert status_of(server.address, "dreamcli:wrong") == 401
        assert status_of(server.address, "dreamcli:open sesame") == 200
        assert status_of(server.address + POLLING) == 401
        for _ in range(5):
            assert status_of(server.address, "dreamcli:wrong") == 401
        assert status_of(server.address, "dreamcli:wrong") == 429
        assert status_of(server.address, "dreamcli:open sesame") == 429


def test_only_its_own_names_and_scripts_reach_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--allow-host", "proxy.example") as server:
        place = server.address.removeprefix("http://")
        port = place.rpartition(":")[2]
        for name in (place, f"localhost:{port}", f"LOCALHOST:{port}", "[::1]", "proxy.example"):
            assert status_of(server.address, Host=name) == 200, name
        for name in (
            "evil.example",
            f"evil.example:{port}",
            "192.0.2.1",
            "",
            "127.0.0.1.evil.example",
            "[::1",
            "a" * 999,
        ):
            assert status_of(server.address, Host=name) == 403, name
            assert status_of(server.address + POLLING, Host=name) == 403, name
        for origin in (
            "http://evil.example",
            "null",
            f"http://evil.example:{port}",
            "http://127.0.0.1:1",
            "",
            "http://[",
        ):
            assert status_of(server.address + POLLING, Origin=origin) == 403, origin
            assert status_of(server.address, data=b"", Origin=origin) == 403, origin
            assert not opens_socket(place, origin), origin
        assert status_of(server.address + POLLING, Origin=server.address) == 200
        assert opens_socket(place, server.address)


def opens_socket(place: str, origin: str) -> bool:
    """Whether a websocket is accepted."""
    host, _, port = place.partition(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(
            "\r\n".join(
                [
                    f"GET {POLLING.replace('polling', 'websocket')} HTTP/1.1", f"Host: {place}", f"Origin: {origin}",
                    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
                ]
            ).encode()
        )  # fmt: skip
        return b" 101 " in connection.recv(200).splitlines()[0]


def test_a_wrong_address_is_not_found_and_nothing_private_is_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for address in ("/nothing", "/made/x", "/made/..%2f..%2fetc%2fpasswd", "/layers/../page.py", "/_nicegui/x"):
            assert status_of(server.address + address) == 404, address
        with urllib.request.urlopen(server.address) as answer:
            assert answer.headers["cache-control"] == "private, no-store"
        before = server.memory
        for number in range(300):
            assert status_of(f"{server.address}/{number}") == 404
        assert server.memory - before < 20e6


def test_other_hosts_are_told_of_in_the_policy(tmp_path: Path) -> None:
    with serving(tmp_path) as server, urllib.request.urlopen(server.address) as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_and_leaves_nothing(tmp_path: Path, sign: signal.Signals) -> None:
    with serving(tmp_path) as server:
        assert server.own_folders
        assert server.end(sign) == 0
        assert not server.own_folders
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["log.txt"]


def test_others_are_not_let_in_without_a_password(run) -> None:
    outcome = run("web", "--host", "0.0.0.0")
    assert outcome.code == 2
    assert outcome.lines == ["dreamcli: 0.0.0.0 is reachable by others, so the page needs a password; "
                             "set one with --password, or in DREAMCLI_PASSWORD"]  # fmt: skip


def test_without_nicegui_it_says_how_to_get_it(run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("nicegui", "dreamcli.web.page"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nicegui", None)
    outcome = run("web", "--port", "0")
    assert outcome.code == 1
    assert outcome.lines == ["dreamcli: the page needs NiceGUI, which isn't installed; "
                             "in a clone of dreamcli, run pip (or uv tool) install '.[web]'"]  # fmt: skip


def test_a_port_that_is_taken_is_told(run, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        port = server.address.rpartition(":")[2]
        outcome = run("web", "--port", port)
    assert outcome.code == 2
    assert f"can't listen on 127.0.0.1, port {port}" in outcome.err


def test_the_address_to_pass_on_is_one_that_others_reach() -> None:
    assert reachable_address("127.0.0.1") == "127.0.0.1"
    for host in ("0.0.0.0", "::"):
        address = reachable_address(host)
        assert address not in ("0.0.0.0", "::", "")
        with socket.socket() as own:
            own.bind((address, 0))  # it is this machine's
