import configparser
import json
import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config_schema

from sales_assets.adapters.settings import InvalidSettingError, Settings, environment_name
from sales_assets_tests.faults import topology

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SECRETS_OF_THE_SETTINGS = {
    environment_name(name) for name, field in Settings.model_fields.items() if not field.repr
}


def document(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text())


def test_the_compose_file_is_one_by_the_specification() -> None:
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(document("compose.yaml"), json.loads(schema.read_text()))


def test_every_file_that_the_compose_file_mounts_is_there() -> None:
    services = document("compose.yaml")["services"].values()
    mounted = [one.split(":")[0] for service in services for one in service.get("volumes", [])]
    assert [one for one in mounted if one.startswith("./") and not (DEPLOY / one).exists()] == []


def test_the_compose_file_restarts_and_bounds_every_process_and_looks_after_its_health() -> None:
    for name, service in document("compose.yaml")["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["mem_limit"], name
        # The code server's is the image's own.
        assert name == "code" or service["healthcheck"], name


def test_the_compose_file_passes_every_secret_as_a_file_and_to_our_programs_alone() -> None:
    compose = document("compose.yaml")
    assert set(compose["secrets"]) == SECRETS_OF_THE_SETTINGS | {"DAGSTER_PG_PASSWORD"}
    for name in ("code", "bot"):
        assert set(compose["services"][name]["secrets"]) == set(compose["secrets"])
    for name in ("daemon", "webserver", "postgres"):
        assert compose["services"][name]["secrets"] == ["DAGSTER_PG_PASSWORD"]


def test_only_the_ui_listens_outside_of_the_containers_and_on_loopback() -> None:
    services = document("compose.yaml")["services"]
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"webserver": ["127.0.0.1:3000:3000"]}


def test_there_is_exactly_one_daemon_and_one_bot() -> None:
    compose = document("compose.yaml")["services"]
    assert [one for one in compose.values() if "dagster-daemon" in one.get("command", [])] == [
        compose["daemon"]
    ]
    assert compose["daemon"]["container_name"]
    assert compose["bot"]["container_name"]
    assert sum("dagster-daemon run" in unit.read_text() for unit in UNITS) == 1


def test_the_secrets_reach_the_settings_by_the_names_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "SALES_ASSETS_SOURCE_URL").write_text("postgresql://reader:pa$$ 'word@db/crm\n")
    (tmp_path / "SALES_ASSETS_TELEGRAM_PROXY").write_text("")
    (tmp_path / "a folder").mkdir()
    settings = Settings.from_environment(environment_with(tmp_path))
    assert settings.source_url == "postgresql://reader:pa$$ 'word@db/crm"
    assert settings.telegram_proxy is None


def test_a_secret_whose_file_has_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "SALES_ASSETS_SOURCE_ULR").write_text("postgresql://reader:word@db/crm")
    with pytest.raises(InvalidSettingError, match="nearest name is SALES_ASSETS_SOURCE_URL"):
        Settings.from_environment(environment_with(tmp_path))


def environment_with(secrets: Path) -> dict[str, str]:
    """Return the `SALES_ASSETS_…` names that a command sees behind `with_secrets`."""
    done = subprocess.run(
        [DEPLOY / "with_secrets", "env", "-0"],
        env={"PATH": os.environ["PATH"], "SECRETS_DIR": str(secrets)},
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    return {name: text for name, text in pairs if name.startswith("SALES_ASSETS_")}


def test_the_instance_is_one_that_dagster_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_PG_HOST", "postgres")
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "a word")
    read = process_config(
        resolve_to_config_type(dagster_instance_config_schema()), document("dagster.yaml")
    )
    assert read.success, read.errors
    storage = document("dagster.yaml")["storage"]["postgres"]["postgres_db"]
    assert storage["scheme"] == "postgresql+psycopg2"


def test_the_instance_of_a_server_differs_from_a_desks_in_what_a_server_alone_has() -> None:
    desk = yaml.safe_load((ROOT / "sales_assets" / "defs" / "dagster.yaml").read_text())
    server = document("dagster.yaml")
    differing = {key for key in {*desk, *server} if desk.get(key) != server.get(key)}
    assert differing == {"storage", "event_log_storage", "run_launcher", "run_retries"}


def test_the_chart_is_told_the_same_as_the_instance() -> None:
    values, instance = document("helm_values.yaml"), document("dagster.yaml")
    told = values["additionalInstanceConfig"]
    assert told == {name: instance[name] for name in told}
    assert set(instance).difference(told) == {
        "telemetry",
        "storage",
        "compute_logs",
        "run_launcher",
    }
    assert values["telemetry"] == instance["telemetry"]
    assert values["computeLogManager"]["type"] == instance["compute_logs"]["class"]
    database = instance["storage"]["postgres"]["postgres_db"]
    assert values["postgresql"]["postgresqlScheme"] == database["scheme"]
    assert values["postgresql"]["postgresqlDatabase"] == database["db_name"]


def test_the_chart_starts_a_pod_per_run_with_what_the_launcher_takes() -> None:
    launcher = pytest.importorskip("dagster_k8s").K8sRunLauncher
    given = document("helm_values.yaml")["runLauncher"]
    assert given["type"] == launcher.__name__
    snake = {
        re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value
        for name, value in given["config"]["k8sRunLauncher"].items()
    }
    image = {"job_image": "sales-assets", "service_account_name": "-", "instance_config_map": "-"}
    read = process_config(
        resolve_to_config_type(launcher.config_type()),
        {**snake, **image, "dagster_home": "/", "postgres_password_secret": "-"},
    )
    assert read.success, read.errors


def test_the_bots_manifest_is_one_by_kubernetes_own_schema() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for manifest in document("helm_values.yaml")["extraManifests"]:
        kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_the_bot_of_the_chart_has_the_settings_of_the_runs() -> None:
    values = document("helm_values.yaml")
    runs = values["dagster-user-deployments"]["deployments"][0]["env"]
    container = values["extraManifests"][0]["spec"]["template"]["spec"]["containers"][0]
    bot = {one["name"]: one["value"] for one in container["env"]}
    assert bot == {name: text for name, text in runs.items() if name.startswith("SALES_ASSETS_")}
    Settings.from_environment({**bot, "SALES_ASSETS_SOURCE_URL": "postgresql://reader@db/crm"})


@pytest.fixture
def installed_units(tmp_path: Path) -> list[Path]:
    """The units, with programs that exist here where /srv/sales_assets holds them there."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("dagster", "dagster-daemon", "dagster-webserver", "sales-assets"):
        (programs / name).symlink_to("/bin/true")
    for unit in UNITS:
        text = unit.read_text().replace("/srv/sales_assets", str(tmp_path))
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.glob("sales-assets*"))


def test_systemd_finds_nothing_wrong_with_the_units(installed_units: list[Path]) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    done = subprocess.run(
        [program, "verify", *installed_units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "sales-assets" in line]
    assert ours == []


def test_every_unit_is_restarted_bounded_and_without_root() -> None:
    for path in UNITS:
        if path.suffix == ".target":
            continue
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment]
        unit.read(path)
        assert unit["Service"]["Restart"] == "always", path
        assert unit["Service"]["MemoryMax"], path
        assert unit["Service"]["User"] == "sales_assets", path


def test_a_code_server_that_finds_no_postgres_ends_so_that_it_is_started_again(
    tmp_path: Path,
) -> None:
    """`dagster code-server start` stays, and shows that one failure until somebody reloads it."""
    (tmp_path / "dagster.yaml").write_bytes((DEPLOY / "dagster.yaml").read_bytes())
    nobody = {"DAGSTER_PG_HOST": topology.HOST, "DAGSTER_PG_PASSWORD": "-"}
    told = os.environ | nobody | {"DAGSTER_HOME": str(tmp_path)}
    command, _ = topology.unit("code")
    ended = subprocess.run(command, env=told, capture_output=True, timeout=200, check=False)
    assert ended.returncode == 1
    assert b"Connection refused" in ended.stderr
