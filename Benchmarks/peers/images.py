"""Decodes a folder of class folders of images with Pillow, one process a core."""

import multiprocessing
import pathlib
import sys
import time

import numpy as np
from PIL import Image


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*/*"))
    with multiprocessing.Pool() as pool:
        start = time.perf_counter()
        for _ in pool.imap(read, paths, chunksize=256):
            pass
        seconds = time.perf_counter() - start
    print(f"{len(paths)} images in {seconds:.2f} s, {len(paths) / seconds:.0f} a second")
