"""Brokers ask who comes; who cannot come in is told why in one line."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gis.errors import OutputError, SourceError, TableError
from twin.cli import main
from twin.ingest.mqtt import Settings, start_listening
from twin.ingest.mqtt_address import PASSWORD, check_topics, client_of, read_broker
from twin.ingest.publish import Parcel, publish_mqtt

from .brokers import MOSQUITTO, PASSWORDS, free_port, make_certificates, need
from .conftest import check_all, message, rows_of, wait_for

TOPIC = "hid/v1/me/obs"
SECRET = "correct horse battery"

ACCESS = """
user meter
topic write hid/v1/me/#
user twin
topic read hid/v1/#
"""


@pytest.fixture
def guarded(broker_with, tmp_path):
    """Return a broker that wants a user and password and has an access list."""
    users, access = tmp_path / "users", tmp_path / "access"
    users.touch(mode=0o600)
    for name in ("twin", "meter"):
        subprocess.run(
            [need(PASSWORDS, "mosquitto_passwd"), "-b", str(users), name, SECRET],
            check=True,
        )
    access.write_text(ACCESS)
    access.chmod(0o600)
    return broker_with(
        f"allow_anonymous false\npassword_file {users}\nacl_file {access}",
        extra=["-u", "meter", "-P", SECRET],
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return a folder with certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def secured(broker_with, certificates):
    """Return a broker that speaks TLS and wants a certificate of whoever comes."""
    return broker_with(
        "allow_anonymous true\nrequire_certificate true\n"
        f"cafile {certificates / 'ca.crt'}\ncertfile {certificates / 'localhost.crt'}\n"
        f"keyfile {certificates / 'localhost.key'}",
        scheme="mqtts",
        extra=[
            *("--cafile", str(certificates / "ca.crt")),
            *("--cert", str(certificates / "client.crt")),
            *("--key", str(certificates / "client.key")),
        ],
    )


@pytest.fixture
def refused(capsys, monkeypatch) -> Callable[..., str]:
    """Return what gives the one line that ``heidi listen`` ends with, with exit code 2."""

    def run(*what: object, **environment: str) -> str:
        monkeypatch.setattr(sys, "argv", ["heidi", "listen", *map(str, what)])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == 2
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert line.startswith("heidi: ")
        assert SECRET not in line
        return line

    return run


@pytest.mark.parametrize("version", ["311", "5"])
def test_user_and_password_and_access_list(heidi, guarded, folder, tmp_path, version):
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    options = ("--user", "twin", "--password-file", secret)
    more = ("--mqtt5",) if version == "5" else ()
    process = heidi("listen", folder, "--broker", guarded.address, *options, *more)
    assert "listening to" in process.stderr.readline()
    for number in range(20):
        guarded.publish(TOPIC, "-m", message(number))
    wait_for(lambda: (folder / "live.sqlite").exists() and len(rows_of(folder)) == 20)
    process.terminate()
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told.startswith("20 messages received, 0 behind · 20 values new")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_the_password_may_come_from_the_environment(heidi, guarded, folder, number):
    process = heidi(
        "listen",
        folder,
        "--broker",
        guarded.address,
        "--user",
        "twin",
        **{PASSWORD: SECRET},
    )
    assert "listening to" in process.stderr.readline()
    process.send_signal(number)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told.startswith("0 messages received")


@pytest.mark.parametrize("more", [(), ("--mqtt5",)], ids=["3.1.1", "5"])
@pytest.mark.parametrize("password", ["wrong", ""], ids=["wrong", "none"])
def test_a_wrong_password(refused, guarded, folder, more, password):
    line = refused(
        *(folder, "--broker", guarded.address, "--user", "twin", *more),
        **{PASSWORD: password},
    )
    assert "must let us in, but refused: " in line
    assert line.endswith("look at --user and at the password")
    assert not (folder / "live.sqlite-wal").exists()


def test_with_tls_and_certificates_on_both_sides(heidi, secured, certificates, folder):
    process = heidi(
        *("listen", folder, "--broker", secured.address, "--ca", certificates / "ca.crt"),
        *("--cert", certificates / "client.crt", "--key", certificates / "client.key"),
    )
    assert "listening to mqtts://localhost" in process.stderr.readline()
    secured.publish(TOPIC, lines="\n".join(map(message, range(500))) + "\n")
    wait_for(lambda: len(rows_of(folder)) == 500)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    check_all(rows_of(folder), 500)


def test_a_large_message_over_tls_is_read_to_its_end(
    listening, secured, certificates, folder
):
    """It comes in many records of TLS."""
    broker = read_broker(
        secured.address, ca=certificates / "ca.crt", cert=certificates / "client.crt",
        key=certificates / "client.key",
    )  # fmt: skip
    listener = start_listening(folder, Settings(broker, ("hid/v1/#",)))
    rows = [json.loads(message(number)) for number in range(5000)]
    publish_mqtt([Parcel(TOPIC, json.dumps(rows).encode(), 5000)], broker)
    wait_for(lambda: listener.counts().acknowledged == 1)
    assert listener.stop().new == 5000


def test_who_vouches_for_the_broker_is_not_trusted(refused, secured, certificates, folder):
    line = refused(
        *(folder, "--broker", secured.address, "--ca", certificates / "stranger.crt")
    )
    assert "must show a certificate that can be trusted" in line
    assert "--ca" in line


def test_the_certificate_is_of_another_host(refused, secured, certificates, folder):
    address = secured.address.replace("localhost", "127.0.0.1")
    line = refused(folder, "--broker", address, "--ca", certificates / "ca.crt")
    assert "must show a certificate that can be trusted" in line


def test_no_certificate_of_ours(refused, secured, certificates, folder):
    line = refused(folder, "--broker", secured.address, "--ca", certificates / "ca.crt")
    assert "--cert" in line


def test_tls_at_a_port_without_it(refused, broker, folder):
    line = refused(folder, "--broker", broker.address.replace("mqtt:", "mqtts:"))
    assert "is the port one with TLS?" in line or "must speak TLS" in line


def test_no_tls_at_a_port_with_it(refused, secured, folder):
    address = secured.address.replace("mqtts:", "mqtt:")
    line = refused(folder, "--broker", address)
    assert "mqtts://" in line


def test_nobody_listens_there(refused, folder):
    line = refused(folder, "--broker", f"mqtt://127.0.0.1:{free_port()}")
    assert "must be reachable: Connection refused" in line


def test_a_broker_that_grants_too_little_is_told_of(broker_with, listening):
    told = []
    listening(broker_with("allow_anonymous true\nmax_qos 0"), told=told)
    assert "grants no more than QoS 0 on hid/v1/#" in told[0]


def test_somebody_who_never_answers(folder, monkeypatch):
    before = threading.active_count()
    monkeypatch.setattr("twin.ingest.mqtt_link.PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = read_broker(f"mqtt://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SourceError, match=r"must answer within 0\.3 s"):
            start_listening(folder, Settings(broker, ("hid/v1/#",)))
    assert threading.active_count() == before


def test_a_patient_listener_waits_for_its_broker(broker, listening, folder):
    broker.stop()
    listener = listening(broker, patient=True)
    assert not listener.counts().connected
    broker.start()
    wait_for(lambda: listener.counts().connected)
    broker.publish(TOPIC, "-m", message(0))
    wait_for(lambda: listener.counts().new == 1)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (("--broker", "broker.example"), "a broker must be like mqtt://"),
        (("--broker", "http://broker.example"), "a broker must be like mqtt://"),
        (("--broker", "mqtt://broker.example:70000"), "no address"),
        (("--broker", "mqtt://broker.example/topic"), "a broker must be like mqtt://"),
        (("--broker", f"mqtt://twin:{SECRET.replace(' ', '-')}@host"), "with a password"),
        (("--broker", "mqtt://host", "--topic", "hid/#/obs"), "a topic must be like"),
        (("--broker", "mqtt://host", "--topic", "hid/b+"), "a topic must be like"),
        (("--broker", "mqtt://host", "--share", "a/b"), "a group's name must be"),
        (("--broker", "mqtt://host", "--ca", "ca.crt"), "certificates need TLS"),
        (("--broker", "mqtts://host", "--ca", "missing.crt"), "No such file"),
        (("--broker", "mqtts://host", "--key", "a.key"), "a key must come with"),
        (("--broker", "mqtt://host", "--password-file", "secret"), "must be readable"),
        (("--broker", "mqtt://host", "--mapping", "none.csv"), "must be readable"),
        (("--broker", "mqtt://no-such-host.invalid"), "must be a host that is known"),
    ],
    ids=lambda what: " ".join(map(str, what)) if isinstance(what, tuple) else "",
)
def test_options_that_do_not_hold(refused, folder, what, why):
    line = refused(folder, *what)
    assert why in line
    assert "correct-horse" not in line


def test_no_twin_folder(refused, tmp_path):
    assert "must be a twin folder" in refused(tmp_path / "no", "--broker", "mqtt://h")


def test_a_store_that_cannot_be_opened(refused, folder):
    (folder / "live.sqlite").write_bytes(b"no database" * 100)
    assert "live.sqlite" in refused(folder, "--broker", "mqtt://127.0.0.1:1")


def test_a_subscription_that_the_broker_refuses(refused, broker_with, folder):
    # Mosquitto itself refuses no subscription by its access list, only too deep ones.
    broker = broker_with()
    topic = "/".join(["x"] * 250)
    line = refused(folder, "--broker", broker.address, "--topic", topic)
    assert "subscribe" in line or "closed the connection" in line


def test_the_password_file_is_read_to_its_first_line(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbfp\xc3\xa4ss word\r\nmore\n")
    broker = read_broker("mqtt://me@host", password_file=path)
    assert (broker.user, broker.password) == ("me", "päss word")
    assert "päss" not in repr(broker)
    path.write_bytes(b"\n")
    with pytest.raises(SourceError, match="first line"):
        read_broker("mqtt://me@host", password_file=path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match="UTF-8"):
        read_broker("mqtt://me@host", password_file=path)
    path.write_bytes(b"word")
    with pytest.raises(TableError, match="--user"):
        read_broker("mqtt://host", password_file=path)


def test_only_a_password_on_an_open_network_is_exposed(monkeypatch):
    monkeypatch.setenv(PASSWORD, SECRET)
    assert read_broker("mqtt://me@broker.example").exposed
    assert not read_broker("mqtt://me@127.0.0.1").exposed
    assert not read_broker("mqtts://me@broker.example").exposed
    assert not read_broker("mqtt://broker.example").exposed


def test_a_folder_has_one_name_for_ever_and_another_has_another(tmp_path):
    name = client_of(tmp_path)
    assert name == client_of(tmp_path / "x" / "..")
    assert name != client_of(tmp_path / "x")
    assert name.isalnum()
    assert len(name) <= 23


def test_a_topic_given_twice_is_subscribed_to_once():
    assert check_topics(["a/#", "b/+/c", "a/#"]) == ("a/#", "b/+/c")


def test_a_publisher_hears_of_refusals_and_of_missing_listeners(guarded, monkeypatch):
    monkeypatch.setenv(PASSWORD, SECRET)
    broker = read_broker(guarded.address, user="meter", mqtt5=True)
    sent = publish_mqtt([Parcel(TOPIC, b"1", 1)], broker)
    assert (sent.messages, sent.unheard) == (1, 1)
    with pytest.raises(OutputError, match="Not authorized"):
        publish_mqtt([Parcel("hid/v1/others/obs", b"1", 1)], broker)
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(SourceError, match="must let us in"):
        publish_mqtt([], read_broker(guarded.address, user="meter", mqtt5=True))


def test_the_documented_configuration_holds(certificates, folder, tmp_path, monkeypatch):
    """The blocks of docs/mqtt.md, with the paths and the port of this test."""
    guide = Path(__file__).parents[3] / "docs" / "mqtt.md"
    config, access = re.findall(r"```conf\n(.*?)```", guide.read_text(), re.DOTALL)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(certificates, home / "certs")
    for kind in ("crt", "key"):
        (home / "certs" / f"localhost.{kind}").rename(home / "certs" / f"server.{kind}")
    (home / "access").write_text(access)
    (home / "passwords").touch()
    for path in (home / "access", home / "passwords"):
        path.chmod(0o600)
    for name in ("twin", "oresundskraft"):
        program = need(PASSWORDS, "mosquitto_passwd")
        subprocess.run([program, "-b", home / "passwords", name, SECRET], check=True)
    port = free_port()
    text = config.replace("/etc/mosquitto", str(home)).replace("listener 8883", "")
    text = text.replace("/var/lib/mosquitto", str(home))
    # The listener's own lines must come first.
    (home / "conf").write_text(f"user root\nlistener {port} 127.0.0.1\n{text}")
    monkeypatch.setenv(PASSWORD, SECRET)
    trusted = {"ca": home / "certs" / "ca.crt", "mqtt5": True}
    broker = read_broker(f"mqtts://twin@localhost:{port}", **trusted)
    sender = read_broker(f"mqtts://oresundskraft@localhost:{port}", **trusted)
    command = [need(MOSQUITTO, "mosquitto"), "-c", home / "conf"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        listener = start_listening(folder, Settings(broker, ("hid/v1/#",)), patient=True)
        try:
            wait_for(lambda: listener.counts().connected)
            body = message(0).encode()
            publish_mqtt([Parcel("hid/v1/oresundskraft/rows", body, 1)], sender)
            wait_for(lambda: listener.counts().new == 1)
            with pytest.raises(OutputError, match="Not authorized"):
                publish_mqtt([Parcel("hid/v1/others/rows", body, 1)], sender)
        finally:
            listener.stop()
            process.terminate()


@pytest.mark.parametrize("mqtt5", [False, True], ids=["3.1.1", "5"])
def test_two_of_one_name_are_told_of_each_other(broker, listening, mqtt5):
    told = []
    for _ in range(2):
        listening(broker, client="same", mqtt5=mqtt5, told=told)
    wait_for(lambda: any("another program use our --client-id" in line for line in told))
