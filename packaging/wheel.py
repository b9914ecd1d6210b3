"""Makes a Python wheel of the folder of scripts/package.

usage: wheel.py FOLDER OUT VERSION PACKAGE

The wheel's tag is the oldest manylinux that auditwheel finds all of its files to fit.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

METADATA = """\
Metadata-Version: 2.1
Name: snug-onnx
Version: {version}
Summary: Neural networks that fit narrow accumulators, with a proof
License: Apache-2.0
Requires-Python: >=3.9
Requires-Dist: numpy
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Scientific/Engineering :: Artificial Intelligence
Description-Content-Type: text/markdown

{readme}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: snug {version}
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""


def packed(folder, out):
    """Packs an unpacked wheel; returns the path."""
    before = set(os.listdir(out))
    subprocess.check_call(["wheel", "pack", "--dest-dir", out, folder], stdout=subprocess.DEVNULL)
    made, = set(os.listdir(out)) - before
    return os.path.join(out, made)


def main():
    folder, out, version, package = sys.argv[1:]
    machine = os.uname().machine
    with tempfile.TemporaryDirectory() as scratch:
        root = os.path.join(scratch, f"snug_onnx-{version}")
        shutil.copytree(package, os.path.join(root, "snug_onnx"), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(os.path.join(folder, "lib"), os.path.join(root, "snug_onnx", "lib"),
                        ignore=shutil.ignore_patterns("libsnug.so", "pkgconfig"))
        shutil.copytree(os.path.join(folder, "include"), os.path.join(root, "snug_onnx", "include"))
        data = os.path.join(root, f"snug_onnx-{version}.data")
        os.makedirs(os.path.join(data, "scripts"))
        shutil.copy(os.path.join(folder, "bin", "snug"), os.path.join(data, "scripts", "snug"))
        shutil.copytree(os.path.join(folder, "share"), os.path.join(data, "data", "share"),
                        ignore=shutil.ignore_patterns("doc"))
        info = os.path.join(root, f"snug_onnx-{version}.dist-info")
        shutil.copytree(os.path.join(folder, "share", "doc", "snug", "licences"), os.path.join(info, "licenses"))
        shutil.copy(os.path.join(folder, "share", "doc", "snug", "LICENSE"), os.path.join(info, "licenses", "LICENSE"))
        with open(os.path.join(folder, "share", "doc", "snug", "README.md"), encoding="utf-8") as file:
            readme = file.read()
        with open(os.path.join(info, "METADATA"), "w", encoding="utf-8") as file:
            file.write(METADATA.format(version=version, readme=readme))

        def write_tag(platform):
            with open(os.path.join(info, "WHEEL"), "w", encoding="utf-8") as file:
                file.write(WHEEL.format(version=version, platform=platform))

        write_tag(f"linux_{machine}")
        trial = packed(root, scratch)
        shown = subprocess.run(["auditwheel", "show", trial], capture_output=True, text=True, check=True).stdout
        found = re.search(r'following platform tag:\s*"(manylinux_\w+)"', shown)
        if not found:
            sys.exit(f"error: auditwheel finds no manylinux tag for the wheel:\n{shown}")
        write_tag(found.group(1))
        print(packed(root, out))


main()
