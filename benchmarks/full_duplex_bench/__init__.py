"""Full-Duplex-Bench's own scripts, run on recordings of `huiyin bench agent`."""
