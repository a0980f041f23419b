"""The command line, `python -m nerlib`: its commands, and how a user's mistake is reported.

A command is imported when it is called: whoever asks for help need not wait for PyTorch.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from nerlib import __version__
from nerlib.tools.environment import install_command, missing_packages

USER_MISTAKE = 2
# By name: what a command does, and the function that adds its options and says what runs it.
COMMANDS = {
    "check": ("check the set-up, one line a requirement", "environment:add_arguments"),
    "recipes": ("list the named experiments", "commands:add_recipes"),
    "prefetch": ("fetch what a recipe needs, for use offline", "commands:add_prefetch"),
    "validate": ("check a file of your own sentences", "commands:add_validate"),
    "convert": ("annotations to and from other tools' formats", "exchange.command:add_arguments"),
    "train": ("train a model and save its best epoch", "commands:add_train"),
    "run": ("the whole way: show, train, save, load, tag", "commands:add_run"),
    "evaluate": ("score a saved model, per slot type", "commands:add_evaluate"),
    "export": ("a saved model for ONNX Runtime and OpenVINO", "serving.command:add_arguments"),
    "push": ("publish a model on the Hub, with a model card", "commands:add_push"),
    "tag": ("tag text, one line each, into JSON lines", "commands:add_tag"),
    "demo": ("a page to try models in a browser, and correct them", "demo.command:add_arguments"),
    "bulk": ("tag Parquet or JSON lines with several workers", "bulk.command:add_arguments"),
}
# Errors that say what was wrong and what to do, by their modules.
MISTAKES = {
    "nerlib.addons.checkpoints": ("CheckpointError",),
    "nerlib.addons.divergence": ("DivergenceError",),
    "nerlib.addons.processes": ("ProcessError",),
    "nerlib.corpus": ("CorpusError",),
    "nerlib.dataset": ("WorkerError",),
    "nerlib.device": ("DeviceError",),
    "nerlib.encoders": ("EncoderError",),
    "nerlib.hub": ("DownloadError",),
    "nerlib.parsing": ("AnnotationError",),
    "nerlib.tools.bulk.manifest": ("BulkError",),
    "nerlib.tools.bulk.storage": ("StorageError",),
    "nerlib.tools.commands": ("UsageError",),
    "nerlib.tools.demo.command": ("DemoError",),
    "nerlib.tools.extras": ("ExtraError",),
    "nerlib.tools.publishing": ("PublishError",),
    "nerlib.tools.recipes": ("RecipeError",),
    "nerlib.tools.serving.errors": ("ExportError",),
}


