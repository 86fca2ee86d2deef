"""Makes the recordings under data/: noise, and in some a faint signal whose frequency drifts.

The signal has a 450th of the noise's power: nothing to see in a plain spectrum, for the drift
smears it over many bins.
"""

from pathlib import Path

import numpy as np

SIZE = 1 << 14
NOISE = 24.0
AMPLITUDE = 1.6
SIGNALS = {1: (37.5, 4211), 3: (-62.0, 9876), 6: (11.0, 15002)}
"""Recording → drift in bins per recording, bin at the start."""


def main() -> None:
    """Write eight recordings."""
    folder = Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for number in range(8):
        noise = np.random.default_rng(1977 + number).normal(0, NOISE, (2, SIZE))
        samples = noise[0] + 1j * noise[1]
        if number in SIGNALS:
            drift, start = SIGNALS[number]
            time = np.arange(SIZE) / SIZE
            samples += AMPLITUDE * np.exp(2j * np.pi * (start * time + drift * time**2 / 2))
        pairs = np.stack([samples.real, samples.imag], axis=1).round().clip(-127, 127)
        (folder / f"recording-{number}.bin").write_bytes(pairs.astype(np.int8).tobytes())


if __name__ == "__main__":
    main()
