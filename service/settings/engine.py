"""Which engine does the image work."""

from typing import Self

from pydantic import Field, model_validator

from service.settings.part import Part
from service.units import EngineUrl, PemFile, PositiveDuration

LOCAL = "local"


class ClusterSettings(Part):
    """Where the image work is done: in processes of this machine, or on a Dask cluster."""

    engine: EngineUrl = Field(
        LOCAL,
        description="`local`: worker processes of this machine. An address: the scheduler of a "
        "Dask cluster, whose workers were started with `--preload service.engine.dask_worker`.",
    )
    engine_patience: PositiveDuration = Field(
        10.0,
        description="How long a single image waits for a cluster that is away before it fails; "
        "batches wait until the cluster is back.",
    )
    engine_tls_ca_file: PemFile = Field(
        None, description="Authority that signed the certificates of the cluster, for `tls://`."
    )
    engine_tls_cert: PemFile = Field(
        None, description="Certificate that the server shows to the cluster."
    )
    engine_tls_key: PemFile = Field(None, description="Private key of that certificate.")

    @model_validator(mode="after")
    def check_files(self) -> Self:
        """Raises ValueError when `tls://` misses a file, or others have one."""
        files = {
            "DARKROOM_ENGINE_TLS_CA_FILE": self.engine_tls_ca_file,
            "DARKROOM_ENGINE_TLS_CERT": self.engine_tls_cert,
            "DARKROOM_ENGINE_TLS_KEY": self.engine_tls_key,
        }
        missing = [name for name, file in files.items() if file is None]
        if self.engine.startswith("tls://") and missing:
            raise ValueError(f"DARKROOM_ENGINE={self.engine} needs {', '.join(missing)} too")
        if not self.engine.startswith("tls://") and len(missing) < len(files):
            given = ", ".join(name for name in files if name not in missing)
            raise ValueError(f"{given} is for DARKROOM_ENGINE=tls://HOST:PORT only")
        return self

    @property
    def scheduler(self) -> str | None:
        """Its address as Dask writes it; None where there is no cluster."""
        return None if self.engine == LOCAL else self.engine.replace("dask://", "tcp://")
