"""The homework of chapter 01 as a script, in Keras: train a CNN, report on it, and find out where it fails.

    python 01_homework.py [--images 6000] [--epochs 10]

Fill in the five functions and the written answer, and run the script. Each part ends with a check, as in exercise 1.10.
"""

import argparse

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

from fmnist import data, plots
from fmnist.checks import ch01 as checks
from fmnist.data import CLASS_NAMES
from fmnist.keras_start import clean_start

with clean_start():
    import keras

SEED = 42


def build_cnn():
    """Return a new CNN that takes images (N×28×28×1) and returns logits (N×10)."""
    # your code here


def train(model, images, labels, epochs):
    """Train `model` on images (float32 N×28×28×1 in 0…1) and labels (integers N)."""
    # your code here


def predict(model, images):
    """Return the predicted class of each image, an array of N integers."""
    # your code here


def most_confused(predictions, labels, matrix):
    """Return three tuples (class, class, position of an image that was confused so), the most frequent pair first."""
    # your code here


def hardest_class(predictions, labels, matrix):
    """Return the class with the lowest recall, and the positions of four of its misclassified images."""
    # your code here


# Why is this class hard for a machine? Would people find the same images hard, and how could you find out? What would
# you try first, and on which images would you judge it? Eight to twelve sentences. The solved notebook has a rubric.
ANSWER = """
Your answer here.
"""


def main():
    """Run all parts, with a check after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=6000, help="how many training images")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()

    (images, labels), _ = data.load()
    train_index, validation_index = data.split(labels)
    train_index = train_index[: arguments.images]
    validation_images, validation_labels = images[validation_index], labels[validation_index]

    def to_input(images):
        return images[..., np.newaxis].astype("float32") / 255

    keras.utils.set_random_seed(SEED)
    model = build_cnn()
    if model is None:
        raise SystemExit("`build_cnn` returns nothing yet.")
    train(model, to_input(images[train_index]), labels[train_index], arguments.epochs)
    predictions = predict(model, to_input(validation_images))
    if predictions is None:
        raise SystemExit("`predict` returns nothing yet.")

    options = {"labels": range(10), "target_names": CLASS_NAMES, "zero_division": 0}
    matrix = confusion_matrix(validation_labels, predictions, labels=range(10))
    print(classification_report(validation_labels, predictions, **options))
    print(matrix)
    accuracy = np.mean(predictions == validation_labels)
    report = classification_report(validation_labels, predictions, output_dict=True, **options)
    lowest = 0.80 if arguments.images >= 6000 else 0.1
    checks.homework_report(predictions, accuracy, report, matrix, validation_labels, lowest)

    pairs = most_confused(predictions, validation_labels, matrix)
    print(pairs)
    checks.confused_pairs(pairs, predictions, validation_labels)

    hardest, mistakes = hardest_class(predictions, validation_labels, matrix) or (None, None)
    if checks.hardest_class(hardest, mistakes, predictions, validation_labels):
        chosen = np.asarray(mistakes, dtype=int)
        figure = plots.image_row(validation_images[chosen], [CLASS_NAMES[predictions[i]] for i in chosen], height=1.6)
        figure.savefig("01_homework_mistakes.png")
        print("The four images are in 01_homework_mistakes.png, with the predicted classes.")
    print(ANSWER)


if __name__ == "__main__":
    main()
# generated: 7808299451402d3d7b7d34a42fa0850b6256f3382cc98515ca7e68705907b781
