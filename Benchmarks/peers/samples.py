"""samples.py MODELS CIFAR10 BSD300 FOLDER: samples for the models that identity.py compares, as NAME.npz beside them.

MODELS holds the float models, CIFAR10 and BSD300 the folders `train` and `test`. Each archive has `calibration`
(inputs), `x` (inputs) and `y` (labels, or images to reconstruct), prepared as the model takes them. The models are
linked into FOLDER. Digits for MNIST's network are those of scikit-learn, enlarged. Needs numpy, Pillow, scikit-learn.
"""

import pathlib
import sys

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SAMPLES, CALIBRATION, IMAGES, CROP = 500, 200, 10, 192


def cifar(folder, count):
    """The first images of each class, classes in turn."""
    classes = sorted(p for p in folder.iterdir() if p.is_dir())
    each = count // len(classes)
    files = [(p, c) for c, f in enumerate(classes) for p in sorted(f.iterdir())[:each]]
    images = np.stack([np.asarray(Image.open(p).convert("RGB")) for p, _ in files])
    return images.astype(np.float32), np.array([c for _, c in files], np.int64)


def normalized(images):
    mean = np.array([0.4914, 0.4822, 0.4465], np.float32)
    deviation = np.array([0.2471, 0.2435, 0.2616], np.float32)
    return np.ascontiguousarray(((images / 255 - mean) / deviation).transpose(0, 3, 1, 2), np.float32)


def as_stored(images):
    return images


def digits(first, count):
    bunch = load_digits()
    images = []
    for image in bunch.images[first:first + count]:
        small = Image.fromarray((image * 255 / 16).astype(np.uint8))
        canvas = Image.new("L", (28, 28))
        canvas.paste(small.resize((20, 20), Image.BICUBIC), (4, 4))
        images.append(np.asarray(canvas, np.float32)[None])
    return np.stack(images), bunch.target[first:first + count].astype(np.int64)


def super_resolution(folder, count, scale=3):
    low, high = [], []
    for path in sorted(folder.glob("*.jpg"))[:count]:
        image = Image.open(path).convert("RGB").crop((0, 0, CROP, CROP))
        reduced = image.resize((CROP // scale, CROP // scale), Image.BICUBIC)
        high.append(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)
        low.append(np.asarray(reduced, np.float32).transpose(2, 0, 1) / 255)
    return np.stack(low), np.stack(high)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    models, cifar10, bsd300, folder = map(pathlib.Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)

    def save(name, calibration, x, y):
        link = folder / f"{name}.onnx"
        link.unlink(missing_ok=True)
        link.symlink_to((models / f"{name}.onnx").resolve())
        np.savez(folder / f"{name}.npz", calibration=calibration, x=x, y=y)

    train, _ = cifar(cifar10 / "train", CALIBRATION)
    test, labels = cifar(cifar10 / "test", SAMPLES)
    for name, prepare in [("cifar10-resnet20", normalized), ("cifar10-mobilenet", normalized),
                          ("vnncomp-resnet2b", normalized), ("mlperf-resnet8", as_stored)]:  # fmt: skip
        save(name, prepare(train), prepare(test), labels)
    save("mnist-conv", digits(0, CALIBRATION)[0], *digits(CALIBRATION, SAMPLES))
    low, _ = super_resolution(bsd300 / "train", 40)
    save("espcn-x3", low, *super_resolution(bsd300 / "test", IMAGES))


main()
