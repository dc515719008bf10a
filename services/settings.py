"""Settings: `LEDGER_*` in the environment, nothing else. The choice between embedded and distributed is made here."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Where everything lies. By default all of it lies under `home` and nothing needs to be installed."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", extra="ignore")

    home: Path = Path("~/.transcript-ledger")
    state_system: str = "louisiana-sts"
    log: Literal["sqlite", "kafka"] = "sqlite"
    kafka: Annotated[list[str], NoDecode] = []
    topic: str = "transcript-ledger"
    replication: int = 3
    min_insync: int = 2
    feeds_prefix: str = ""
    views_dsn: SecretStr | None = None
    registry_dsn: SecretStr | None = None
    blobs: str = ""
    master_key: SecretStr | None = None
    master_key_file: Path | None = None
    max_upload_bytes: int = 1 << 30

    @field_validator("kafka", mode="before")
    @classmethod
    def split_servers(cls, value: object) -> object:
        """Take `host:port,host:port` apart."""
        return [server.strip() for server in value.split(",") if server.strip()] if isinstance(value, str) else value

    @field_validator("home")
    @classmethod
    def expand_home(cls, value: Path) -> Path:
        """Let `~` stand for the user's folder."""
        return value.expanduser().absolute()

    @cached_property
    def blobs_url(self) -> str:
        """Where the blobs lie: a folder under home by default, or any URL that fsspec knows."""
        return self.blobs or str(self.home / "blobs")

    @property
    def key_file(self) -> Path:
        """Where the master key lies unless its value is given."""
        return self.master_key_file or self.home / "master.key"
