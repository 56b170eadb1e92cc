"""Reports for people and for machines: as text, as a table, as JSON with a schema, as JUnit XML, as an HTML page."""

from tinygrad_edu.reporting.check import gradient_check, training_check
from tinygrad_edu.reporting.document import Document, Picture
from tinygrad_edu.reporting.files import FORMATS, ensure_writable, save, write
from tinygrad_edu.reporting.run import suite_run
from tinygrad_edu.reporting.terminal import Printed

__all__ = [
    "FORMATS", "Document", "Picture", "Printed", "ensure_writable", "gradient_check", "save", "suite_run",
    "training_check", "write",
]  # fmt: skip
