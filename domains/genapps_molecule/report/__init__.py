"""The page that shows molecules: pictures and figures to sort, narrow down, choose from and take away, in one file."""

from genapps_molecule.report.page import grid
from genapps_molecule.report.proposed import show_proposed
from genapps_molecule.report.screened import show_screened
from genapps_molecule.report.sheet import Sheet
from genapps_molecule.report.told import Promise, Told

__all__ = ["Promise", "Sheet", "Told", "grid", "show_proposed", "show_screened"]
