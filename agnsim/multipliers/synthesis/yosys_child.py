"""Run a yosys script through pyosys: `python -I yosys_child.py PACKAGES SCRIPT`, in a process of its own."""

import sys

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from pyosys import libyosys

    libyosys.run_pass(f"script {sys.argv[2]}")
