"""The homework of chapter 01 as a script, in PyTorch: train a CNN, report on it, and find out where it fails.

    python 01_homework.py [--images 6000] [--epochs 10]

Fill in the five functions and the written answer, and run the script. Each part ends with a check, as in exercise 1.10.
"""

import argparse

import numpy as np
import torch
from sklearn.metrics import classification_report, confusion_matrix
from torch import nn
from torch.nn import functional as F

from fmnist import data, plots
from fmnist.checks import ch01 as checks
from fmnist.data import CLASS_NAMES

SEED = 42
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def build_cnn():
    """Return a new CNN that takes images (N×1×28×28) and returns logits (N×10)."""
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1600, 128),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(128, 10),
    )
    ### END SOLUTION


def train(model, images, labels, epochs):
    """Train `model` on images (float32 N×1×28×28 in 0…1) and labels (int64 N)."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0
        for rows in torch.randperm(len(images), device=images.device).split(128):
            loss = F.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch:2d}   training loss {total / len(images):.3f}")
    ### END SOLUTION


def predict(model, images):
    """Return the predicted class of each image, an array of N integers."""
    ### BEGIN SOLUTION
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(batch) for batch in images.split(1000)])
    return logits.argmax(dim=1).cpu().numpy()
    ### END SOLUTION


def most_confused(predictions, labels, matrix):
    """Return three tuples (class, class, position of an image that was confused so), the most frequent pair first."""
    ### BEGIN SOLUTION
    both_ways = np.triu(matrix + matrix.T, 1)
    pairs = []
    for place in np.argsort(-both_ways, axis=None)[:3]:
        pair = [int(k) for k in np.unravel_index(place, (10, 10))]
        of_pair = np.isin(labels, pair) & np.isin(predictions, pair) & (predictions != labels)
        pairs.append((CLASS_NAMES[pair[0]], CLASS_NAMES[pair[1]], int(np.flatnonzero(of_pair)[0])))
    return pairs
    ### END SOLUTION


def hardest_class(predictions, labels, matrix):
    """Return the class with the lowest recall, and the positions of four of its misclassified images."""
    ### BEGIN SOLUTION
    recalls = matrix.diagonal() / np.maximum(matrix.sum(axis=1), 1)
    number = int(np.argmin(recalls))
    return CLASS_NAMES[number], np.flatnonzero((labels == number) & (predictions != number))[:4]
    ### END SOLUTION


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
        return torch.from_numpy(images).to(DEVICE, torch.float32).unsqueeze(1) / 255

    torch.manual_seed(SEED)
    model = build_cnn()
    if model is None:
        raise SystemExit("`build_cnn` returns nothing yet.")
    model = model.to(DEVICE)
    train(
        model, to_input(images[train_index]), torch.from_numpy(labels[train_index]).long().to(DEVICE), arguments.epochs
    )
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
