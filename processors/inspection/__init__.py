"""Looking at an image without changing it: what its file says, and what its pixels tell."""

from processors.inspection.inspector import Inspection, Inspector
from processors.inspection.report import Report

__all__ = ["Inspection", "Inspector", "Report"]
