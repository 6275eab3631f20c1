"""Who takes part, in the order of the tables."""

from benchmarks.contestants.base import Contestant
from benchmarks.contestants.darkroom import CommandLine, Http
from benchmarks.contestants.program import BareOpenCV, Pillow, Pyvips, SerialOpenCV, TunedOpenCV
from benchmarks.contestants.sharp import Sharp

CONTESTANTS: tuple[Contestant, ...] = (
    SerialOpenCV(),
    BareOpenCV(),
    TunedOpenCV(),
    Http(),
    CommandLine(),
    Pillow(),
    Pyvips(),
    Sharp(),
)
