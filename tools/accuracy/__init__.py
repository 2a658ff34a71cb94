"""How right the counts are, on hand-counted clips and on synthetic streets: `make accuracy`."""
