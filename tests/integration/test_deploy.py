"""The files under deploy/ agree with the code and with each other."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from events.log.kafka_topic import EXACTLY, Wanted
from services.embedded import kafka_jars
from services.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
NODES = ["kafka-1", "kafka-2", "kafka-3"]
THEIR_OWN = {"KAFKA_NODE_ID", "KAFKA_ADVERTISED_LISTENERS"}
SAFE = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE": "false",
    "KAFKA_DEFAULT_REPLICATION_FACTOR": "3",
    "KAFKA_MIN_INSYNC_REPLICAS": "2",
}


def documents(name: str) -> list[Any]:
    return list(importlib.import_module("yaml").safe_load_all((DEPLOY / name).read_text()))


def manifest(file: str, kind: str) -> Any:
    [found] = [each for each in documents(f"kubernetes/{file}.yaml") if each["kind"] == kind]
    return found


@pytest.fixture
def compose() -> Any:
    [found] = documents("compose.yaml")
    return found["services"]


@pytest.fixture
def container() -> Any:
    [found] = manifest("kafka", "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return found


def test_three_nodes_differ_in_number_and_address_alone(compose: Any) -> None:
    settings = [compose[node]["environment"] for node in NODES]
    assert [each["KAFKA_NODE_ID"] for each in settings] == ["1", "2", "3"]
    common = [{name: value for name, value in each.items() if name not in THEIR_OWN} for each in settings]
    assert common[0] == common[1] == common[2]
    assert common[0]["KAFKA_CONTROLLER_QUORUM_VOTERS"] == "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093"
    assert common[0].items() >= SAFE.items()


def test_each_node_keeps_its_log_on_a_volume_of_its_own(compose: Any) -> None:
    for node in NODES:
        assert compose[node]["volumes"] == [f"{node}:{compose[node]['environment']['KAFKA_LOG_DIRS']}"]


def test_ports_are_open_on_this_machine_alone_and_are_those_that_nodes_advertise(compose: Any) -> None:
    assert all(port.startswith("127.0.0.1:") for service in compose.values() for port in service["ports"])
    for node in NODES:
        port = compose[node]["ports"][0].split(":")[1]
        assert f"CLIENT://localhost:{port}" in compose[node]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_no_password_and_no_cluster_id_stands_in_the_files(compose: Any) -> None:
    assert compose["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert compose["kafka-1"]["environment"]["CLUSTER_ID"].startswith("${KAFKA_CLUSTER_ID:?")


def test_every_image_of_kafka_has_the_version_that_is_tested(compose: Any, container: Any) -> None:
    version = kafka_jars.VERSION.search((DEPLOY / "kafka" / "pom.xml").read_text())
    assert version
    images = {compose[node]["image"] for node in NODES} | {container["image"]}
    assert images == {f"apache/kafka:{version[1]}"}


def test_kubernetes_runs_three_nodes_as_safe_as_those_of_compose(compose: Any, container: Any) -> None:
    settings = {each["name"]: each.get("value") for each in container["env"]}
    assert settings.items() >= SAFE.items()
    assert set(settings) == set(compose["kafka-1"]["environment"]) - THEIR_OWN
    assert manifest("kafka", "StatefulSet")["spec"]["replicas"] == 3
    assert manifest("kafka", "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    [mount] = container["volumeMounts"]
    assert settings["KAFKA_LOG_DIRS"].startswith(mount["mountPath"])


def test_the_ledgers_settings_exist_and_suit_three_nodes() -> None:
    data = manifest("ledger", "ConfigMap")["data"]
    [container] = manifest("ledger", "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    named = {*data, *(each["name"] for each in container["env"])}
    assert {name.removeprefix("LEDGER_").lower() for name in named} <= set(Settings.model_fields)
    assert len(data["LEDGER_KAFKA"].split(",")) == 3
    assert (data["LEDGER_REPLICATION"], data["LEDGER_MIN_INSYNC"]) == ("3", "2")


def test_the_readme_lists_what_the_topic_is_compared_with() -> None:
    readme = (DEPLOY / "README.md").read_text()
    table = readme[readme.index("| setting | value") :]
    assert {*EXACTLY, *Wanted(3, 2).settings} <= set(re.findall(r"`([a-z.]+)`", table))


def test_the_readme_names_every_file() -> None:
    named = set(re.findall(r"^\| `([^`]+)`", (DEPLOY / "README.md").read_text(), flags=re.MULTILINE))
    files = {str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*") if path.is_file() and path.name != ".env"}
    assert files - {"README.md"} <= named
