"""What measures the course: speed, accuracy, faults, bulk tagging. Results lie beside it."""

import nerlib as nerlib  # before torch: it says how threads wait
