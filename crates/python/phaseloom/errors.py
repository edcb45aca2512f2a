"""The exceptions of Phaseloom: one class per concern, all under :class:`Error`.

Every exception that the library raises has a ``code``; ``phaseloom explain CODE`` on the command line states its cause and its remedy.
"""

from __future__ import annotations

__all__ = [
    "ArrayError",
    "Error",
    "ExperimentError",
    "FileError",
    "HardwareError",
    "InternalError",
    "MeshError",
    "NetworkError",
    "NumericsError",
    "ReportError",
    "StudyError",
    "UsageError",
    "ValidationError",
]


class Error(ValueError):
    """Any error of Phaseloom.

    Attributes
    ----------
    code : int or None
        The number that ``phaseloom explain`` explains; None for arrays that do not fit.
    """

    code: int | None

    def __init__(self, message: str = "", code: int | None = None) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.code)


class ArrayError(Error):
    """An array has the wrong shape or an entry that is not finite, or an argument is out of range."""


class UsageError(Error):
    """Arguments of a command cannot be used together, or with its files."""


class InternalError(Error):
    """Phaseloom failed in a way that no input should cause."""


class FileError(Error):
    """A file was rejected, not read or not written, or the work does not fit in memory."""


class NumericsError(Error):
    """A numerical method failed its own check."""


class MeshError(Error):
    """A mesh, a decomposition or a program was rejected."""


class HardwareError(Error):
    """A process, a chip or a link was rejected, or does not fit the program."""


class NetworkError(Error):
    """A model, its weights or its data were rejected."""


class ExperimentError(Error):
    """An experiment was rejected."""


class StudyError(Error):
    """A study was rejected."""


class ReportError(Error):
    """A figure or a report could not be made."""


class ValidationError(Error):
    """A claim could not be recomputed."""


_OF_HUNDRED: dict[int, type[Error]] = {
    1: FileError,
    2: NumericsError,
    3: MeshError,
    4: HardwareError,
    5: NetworkError,
    6: ExperimentError,
    7: ReportError,
    8: ValidationError,
    9: HardwareError,
    11: StudyError,
}


def exception_of_code(code: int, message: str) -> Error:
    """The exception of an error code; code 0 is that of arrays."""
    if code == 0:
        return ArrayError(message)
    if code == 1:
        return UsageError(message, code)
    if code == 2:
        return InternalError(message, code)
    return _OF_HUNDRED.get(code // 100, Error)(message, code)
