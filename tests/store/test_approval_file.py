"""Decisions in files: a signature that holds makes them signed, anything else makes them less, or nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import AllowlistError, InvalidInput
from allowlist.store import Decision
from allowlist.store.approval_file import read_approval, write_approval
from allowlist.store.signatures import sign, verify
from tests.helpers.ledgers import NOON, decision

needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)


@dataclass(frozen=True)
class Signer:
    """A person with a key of their own, and the line that allows it."""

    name: str
    key: Path

    def __call__(self, payload: bytes) -> str:
        return sign(payload, self.key)

    def line(self, options: str = 'namespaces="allowlist"') -> str:
        return f"{self.name} {options} {self.key.with_suffix('.pub').read_text().strip()}\n"


@pytest.fixture(scope="module")
def make_signer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Signer]:
    folder = tmp_path_factory.mktemp("keys")

    def make(name: str) -> Signer:
        key = folder / name.split("@")[0]
        if not key.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)]
            subprocess.run(command, check=True)
        return Signer(name, key)

    return make


@pytest.fixture
def ada(make_signer: Callable[[str], Signer]) -> Signer:
    return make_signer("ada@example.com")


@pytest.fixture
def eve(make_signer: Callable[[str], Signer]) -> Signer:
    return make_signer("eve@example.com")


@pytest.fixture
def allowed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    file = tmp_path / "allowed_signers"
    if "ada" in request.fixturenames:
        file.write_text(request.getfixturevalue("ada").line())
    return file


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def rows(*, who: str = "ada@example.com") -> tuple[Decision, ...]:
    return (
        decision(who=who, expires=NOON + timedelta(days=30)),
        decision(who=who, change_digest="sha256:c2", verdict="reject", reason="too wide: 'a' \"b\" é"),
        decision(who=who, change_digest="sha256:c3", verdict="defer", until=NOON + timedelta(days=3)),
    )


def test_an_unsigned_file_is_unverified_whatever_its_writer_was(tmp_path: Path) -> None:
    file = tmp_path / "approval.json"
    write_approval(file, rows())
    found = read_approval(file, allowed_signers=None, at=NOON)
    assert [one.identity for one in found] == ["unverified"] * 3
    assert [(one.change_digest, one.verdict, one.reason, one.until, one.expires) for one in found] == [
        (one.change_digest, one.verdict, one.reason, one.until, one.expires) for one in rows()
    ]


def test_a_file_cannot_claim_an_identity(tmp_path: Path) -> None:
    file = tmp_path / "approval.json"
    write_approval(file, rows())
    edit(file, lambda document: document["decisions"][0].update(identity="verified"))
    with pytest.raises(InvalidInput, match="unknown key 'identity'"):
        read_approval(file, allowed_signers=None, at=NOON)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda document: document.update(schema="allowlist/approval/v9"), "says schema"),
        (lambda document: document["decisions"][1].update(verdict="aprove"), "did you mean 'approve'"),
        (lambda document: document["decisions"][0].pop("who"), "lacks the key 'who'"),
        (lambda document: document["decisions"][0].update(who="ada\u0000"), "does not match"),
        (lambda document: document["decisions"][2].pop("until"), "a deferral names the moment"),
        (lambda document: document["decisions"][0].update(at="2026-03-01T12:00:00"), "needs its time zone"),
    ],
)
def test_a_malformed_file_is_told_with_its_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    file = tmp_path / "approval.json"
    write_approval(file, rows())
    edit(file, change)
    with pytest.raises(InvalidInput, match=complaint) as caught:
        read_approval(file, allowed_signers=None, at=NOON)
    assert "approval.json" in str(caught.value)


def test_a_folder_that_is_not_there_is_made_and_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    write_approval(tmp_path / "nowhere" / "approval.json", rows())
    assert (tmp_path / "nowhere" / "approval.json").is_file()
    with pytest.raises(AllowlistError, match="cannot be written"):
        write_approval(tmp_path / "nowhere" / "approval.json" / "approval.json", rows())


def test_a_failed_signature_leaves_the_old_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "approval.json"
    file.write_text("as it was")
    with pytest.raises(AllowlistError):
        write_approval(file, rows(), lambda payload: sign(payload, tmp_path / "no-key"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["approval.json"]
    assert file.read_text() == "as it was"


@needs_ssh_keygen
class TestSigned:
    def test_the_decisions_of_an_allowed_signer_are_signed(
        self, tmp_path: Path, ada: Signer, allowed: Path
    ) -> None:
        file = tmp_path / "approval.json"
        write_approval(file, rows(), ada)
        found = read_approval(file, allowed_signers=allowed, at=NOON)
        assert [(one.who, one.identity) for one in found] == [("ada@example.com", "signed")] * 3
        assert all(one.signature and one.signature.startswith("-----BEGIN SSH SIGNATURE") for one in found)

    def test_laying_the_file_out_differently_does_not_matter(
        self, tmp_path: Path, ada: Signer, allowed: Path
    ) -> None:
        file = tmp_path / "approval.json"
        write_approval(file, rows(), ada)
        edit(file, lambda document: document["decisions"][0].update(gate=None))
        assert len(read_approval(file, allowed_signers=allowed, at=NOON)) == 3

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: document["decisions"][1].update(verdict="approve"),
            lambda document: document["decisions"][0].update(change_digest="sha256:other"),
            lambda document: document["decisions"][0].update(precondition="sha256:other"),
            lambda document: document["decisions"][0].pop("expires"),
            lambda document: document["decisions"].pop(),
            lambda document: document["decisions"].reverse(),
            lambda document: document.update(
                signature="-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"
            ),
            lambda document: document.update(signature=""),
            lambda document: document.update(signature="é\ud7ff"),
        ],
    )
    def test_any_edit_breaks_the_signature(
        self, tmp_path: Path, ada: Signer, allowed: Path, change: Callable[[dict[str, Any]], object]
    ) -> None:
        file = tmp_path / "approval.json"
        write_approval(file, rows(), ada)
        edit(file, change)
        with pytest.raises(
            AllowlistError, match=r"approval\.json: the signature of ada@example\.com does not hold"
        ):
            read_approval(file, allowed_signers=allowed, at=NOON)

    def test_nobody_signs_for_somebody_else(
        self, tmp_path: Path, eve: Signer, ada: Signer, allowed: Path
    ) -> None:
        allowed.write_text(ada.line() + eve.line())
        file = tmp_path / "approval.json"
        write_approval(file, rows(who=ada.name), eve)
        with pytest.raises(AllowlistError, match="does not hold"):
            read_approval(file, allowed_signers=allowed, at=NOON)

    def test_a_signer_nobody_allowed_is_refused(
        self, tmp_path: Path, eve: Signer, ada: Signer, allowed: Path
    ) -> None:
        file = tmp_path / "approval.json"
        write_approval(file, rows(who=eve.name), eve)
        with pytest.raises(AllowlistError, match="does not hold"):
            read_approval(file, allowed_signers=allowed, at=NOON)

    def test_a_signed_file_holds_the_decisions_of_one_person(
        self, tmp_path: Path, ada: Signer, allowed: Path
    ) -> None:
        file = tmp_path / "approval.json"
        with pytest.raises(InvalidInput, match="decisions of one person, not of 2"):
            write_approval(file, (*rows(), decision(who="bob@example.com")), ada)
        write_approval(file, rows(), ada)
        edit(file, lambda document: document["decisions"][0].update(who="bob@example.com"))
        with pytest.raises(InvalidInput, match="decisions of one person, not of 2"):
            read_approval(file, allowed_signers=allowed, at=NOON)

    def test_a_signature_that_cannot_be_checked_is_refused(self, tmp_path: Path, ada: Signer) -> None:
        file = tmp_path / "approval.json"
        write_approval(file, rows(), ada)
        with pytest.raises(AllowlistError, match="no file of allowed signers"):
            read_approval(file, allowed_signers=None, at=NOON)
        with pytest.raises(AllowlistError, match="does not exist"):
            read_approval(file, allowed_signers=tmp_path / "missing", at=NOON)

    def test_a_key_counts_only_while_it_is_valid(self, tmp_path: Path, ada: Signer, allowed: Path) -> None:
        allowed.write_text(ada.line('namespaces="allowlist",valid-before="20260401000000Z"'))
        file = tmp_path / "approval.json"
        write_approval(file, rows(), ada)
        assert read_approval(file, allowed_signers=allowed, at=NOON)
        with pytest.raises(AllowlistError, match="does not hold"):
            read_approval(file, allowed_signers=allowed, at=NOON + timedelta(days=60))

    def test_a_signature_made_for_something_else_does_not_count(
        self, tmp_path: Path, ada: Signer, allowed: Path
    ) -> None:
        allowed.write_text(ada.line(""))
        command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(ada.key), "-n", "git"]
        made = subprocess.run(command, input=b"sha256:1", capture_output=True, check=True).stdout.decode()
        with pytest.raises(AllowlistError, match="does not hold"):
            verify(b"sha256:1", made, ada.name, allowed, NOON)
        verify(b"sha256:1", ada(b"sha256:1"), ada.name, allowed, NOON)

    def test_a_key_that_cannot_be_used_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(AllowlistError, match="could not sign with") as caught:
            sign(b"x", tmp_path / "no-such-key")
        assert "ssh-agent" in caught.value.hint


def test_without_ssh_keygen_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AllowlistError, match="needs ssh-keygen") as caught:
        sign(b"x", tmp_path / "key")
    assert "OpenSSH" in caught.value.hint
