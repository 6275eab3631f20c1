"""Reading the settings: every way a value can come in, and every way it can be wrong."""

import os
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.environment import SettingsError
from service.settings import ServerSettings, Settings, load_settings
from service.units import BYTES, PIXELS, SECONDS, Unit

KEY = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, and a working directory without an .env."""
    for name in list(os.environ):
        if name.upper().startswith("DARKROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal(**overrides: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**overrides)
    return str(caught.value)


def test_defaults_start_without_any_variable() -> None:
    settings = load_settings()
    assert settings.server.host == "127.0.0.1"
    assert settings.server.port == 8888
    assert settings.limits.max_pixels == 50_000_000
    assert settings.engine.worker_memory == 1536 * 2**20
    assert settings.engine.workers >= 1
    assert settings.log.file is None


def test_a_variable_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_PORT", "9000")
    assert load_settings().server.port == 9000


def test_the_name_of_a_variable_may_be_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("darkroom_port", "9000")
    assert load_settings().server.port == 9000


def test_a_variable_of_the_env_file_is_read() -> None:
    Path(".env").write_text("DARKROOM_LOG_LEVEL=debug\nOTHER=1\n", encoding="utf-8")
    assert load_settings().log.level == "debug"


def test_the_first_line_of_an_env_file_with_a_byte_order_mark_is_read() -> None:
    Path(".env").write_text("DARKROOM_PORT=9000\n", encoding="utf-8-sig")
    assert load_settings().server.port == 9000


def test_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DARKROOM_PORT=9000\n", encoding="utf-8")
    monkeypatch.setenv("DARKROOM_PORT", "9001")
    assert load_settings().server.port == 9001


def test_an_override_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_LOG_LEVEL", "error")
    assert load_settings(log_level="debug", port=None).log.level == "debug"


def test_an_override_without_a_variable_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="DARKROOM_PROT"):
        load_settings(prot=1)


def test_an_empty_value_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_PORT", "")
    assert load_settings().server.port == 8888


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]  # refused by mypy too


def test_folders_are_separated_by_commas_and_kept_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_READ_ROOTS", "., /srv/photos")
    assert load_settings().storage.read_roots == (Path(), Path("/srv/photos"))


@pytest.mark.parametrize("value", [",", "a,,b", "a,", " "])
def test_an_empty_folder_in_a_list_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DARKROOM_READ_ROOTS", value)
    assert "DARKROOM_READ_ROOTS" in refusal()


@pytest.mark.parametrize("value", ["DEBUG", "Debug", "debug"])
def test_the_log_level_may_be_in_any_case(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DARKROOM_LOG_LEVEL", value)
    assert load_settings().log.level == "debug"


def test_a_wrong_value_is_shown_with_its_variable_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DARKROOM_PORT", "99999")
    assert refusal() == "DARKROOM_PORT='99999': expected a whole number from 0 to 65535"


def test_all_wrong_variables_are_named_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DARKROOM_WORKERS=0\n", encoding="utf-8")
    monkeypatch.setenv("DARKROOM_LOG_LEVEL", "Loud")
    monkeypatch.setenv("DARKROOM_READ_ROOTS", "a,,,b")
    lines = refusal(task_timeout="0").splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "DARKROOM_READ_ROOTS='a,,,b'",
        "DARKROOM_WORKERS='0'",
        "DARKROOM_TASK_TIMEOUT='0'",
        "DARKROOM_LOG_LEVEL='Loud'",
    ]


def test_a_worker_needs_memory_to_start_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_WORKER_MEMORY", "767MiB")
    assert refusal() == "DARKROOM_WORKER_MEMORY='767MiB': expected a size of at least 768MiB"


def test_an_unknown_variable_is_refused_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DARKROOM_WORKER", "4")
    assert "DARKROOM_WORKER is not a setting: did you mean DARKROOM_WORKERS?" in refusal()


def test_an_unknown_variable_of_the_env_file_is_refused() -> None:
    Path(".env").write_text("DARKROOM_API_KEY=" + KEY, encoding="utf-8")
    message = refusal()
    assert "did you mean DARKROOM_API_KEYS?" in message
    assert KEY not in message


def test_an_unknown_variable_unlike_any_other_gets_no_far_fetched_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DARKROOM_QQQQ", "1")
    assert refusal() == "DARKROOM_QQQQ is not a setting: docs/settings.md lists the known ones"


def test_variables_of_the_tests_are_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_TEST_MONGO_URL", "mongodb://localhost")
    load_settings()


def test_a_line_of_the_env_file_that_says_nothing_is_refused() -> None:
    Path(".env").write_text(f"A=1\nDARKROOM_API_KEYS {KEY}\n", encoding="utf-8")
    assert refusal() == ".env, line 2: not NAME=value"


def test_an_env_file_that_is_no_text_is_refused() -> None:
    Path(".env").write_bytes(b"DARKROOM_PORT=\xff\xfe")
    assert refusal().startswith(".env cannot be read: ")


def test_api_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_API_KEYS", f"{KEY}, {KEY}2")
    keys = load_settings().server.api_keys
    assert [key.get_secret_value() for key in keys] == [KEY, KEY + "2"]


def test_api_keys_are_not_in_the_repr() -> None:
    settings = load_settings(api_keys=KEY)
    assert KEY not in repr(settings) + str(settings)


def test_api_keys_are_not_in_the_message_about_a_short_one() -> None:
    message = refusal(api_keys=f"{KEY},short-secret")
    assert message.startswith("DARKROOM_API_KEYS (value not shown): expected keys of at least 16")
    assert KEY not in message
    assert "short-secret" not in message


def test_the_error_carries_no_secret_as_its_cause() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(api_keys="short-secret")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_part_alone_does_not_show_secrets_in_its_error() -> None:
    with pytest.raises(ValidationError) as caught:
        ServerSettings.model_validate({"api_keys": "short-secret"})
    assert "short-secret" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key(host: str) -> None:
    load_settings(host=host).server.check_listening()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "photos.example", "localhost.x"])
def test_other_addresses_need_a_key_or_consent(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(host=host).server.check_listening()
    for name in ("DARKROOM_HOST", "DARKROOM_API_KEYS", "DARKROOM_ALLOW_ANONYMOUS"):
        assert name in str(caught.value)


def test_other_addresses_are_fine_with_a_key() -> None:
    load_settings(host="0.0.0.0", api_keys=KEY).server.check_listening()


def test_other_addresses_are_fine_with_consent() -> None:
    load_settings(host="0.0.0.0", allow_anonymous=True).server.check_listening()


def test_settings_can_be_composed_of_parts() -> None:
    assert Settings(server=ServerSettings(port=0)).server.port == 0


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        (BYTES, "32MiB", 32 * 2**20),
        (BYTES, "32MB", 32_000_000),
        (BYTES, "1.5 gib", 1536 * 2**20),
        (BYTES, "1.1MB", 1_100_000),
        (BYTES, "4096", 4096),
        (SECONDS, "30s", 30.0),
        (SECONDS, "500ms", 0.5),
        (SECONDS, "2m", 120.0),
        (SECONDS, "1h", 3600.0),
        (SECONDS, "2.5", 2.5),
        (PIXELS, "50MP", 50_000_000),
        (PIXELS, "50000000", 50_000_000),
    ],
)
def test_a_quantity_is_read(unit: Unit, text: str, value: float) -> None:
    assert unit.parse(text) == value


@pytest.mark.parametrize("text", ["", "MiB", "1,5GiB", "32.5.5MiB", "-1", "1e9", "32M", "inf", "٣"])
def test_a_quantity_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number with one of the units"):
        BYTES.parse(text)


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (BYTES, 32 * 2**20, "32MiB"),
        (BYTES, 1536 * 2**20, "1.5GiB"),
        (BYTES, 64_000_000, "64MB"),
        (BYTES, 1_234_567, "1234567B"),
        (SECONDS, 30.0, "30s"),
        (SECONDS, 0.5, "500ms"),
        (SECONDS, 0.0, "0s"),
        (SECONDS, 120.0, "2m"),
        (PIXELS, 50_000_000, "50MP"),
        (PIXELS, 123_456, "123456"),
    ],
)
def test_a_quantity_is_written_briefly(unit: Unit, value: float, text: str) -> None:
    assert unit.render(value) == text


def test_a_size_that_is_written_reads_the_same() -> None:
    chance = random.Random(1)
    for value in [0, 1, *(int(10 ** chance.uniform(0, 15)) for _ in range(2000))]:
        assert BYTES.parse(BYTES.render(value)) == value


def test_a_duration_that_is_written_reads_the_same() -> None:
    chance = random.Random(1)
    for milliseconds in [0, 1, *(int(10 ** chance.uniform(0, 9)) for _ in range(2000))]:
        assert SECONDS.parse(SECONDS.render(milliseconds / 1000)) == milliseconds / 1000
