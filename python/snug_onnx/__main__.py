"""`python -m snug_onnx`: the command snug."""
import ctypes
import os
import sys

from ._library import library


def main() -> None:
    # Said now, the library need not start the program again to say it to libgomp.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    words = [os.fsencode(word) for word in ["snug", *sys.argv[1:]]]
    library.snug_main(len(words), (ctypes.c_char_p * len(words))(*words))


main()
