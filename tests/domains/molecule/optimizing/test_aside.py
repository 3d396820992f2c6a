"""What a stranger's code prints does not come between the results on stdout."""

from __future__ import annotations

import subprocess

from genapps_molecule.optimizing.aside import aside


def test_printing_goes_to_stderr_meanwhile_also_from_other_programs(capfd):
    with aside():
        print("printed", flush=True)  # noqa: T201
        subprocess.run(["echo", "echoed"], check=True)
    print("result", flush=True)  # noqa: T201
    told = capfd.readouterr()
    assert told.out == "result\n"
    assert told.err == "printed\nechoed\n"
