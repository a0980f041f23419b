"""Scores that fit how often a model is right: scaled on rows held out, without another tag."""

import pytest
import torch
from small_runs import trained_model
from tiny_encoders import new_model, small_data

from nerlib.evaluation import predict_tags
from nerlib.tools.temperature import set_temperature


def test_scores_are_worth_what_they_say_on_rows_held_out() -> None:
    model, data = new_model("bert", small_data("bert").tags), small_data("bert", 30, seed=2)
    model.load_state_dict(trained_model().state_dict())
    with torch.no_grad():
        for weights in model.head[-1].parameters():
            weights *= 4  # sure of everything
    tags, loss = predict_tags(model, data)
    set_temperature(model, data)
    again, better = predict_tags(model, data)
    assert again == tags
    assert better < loss
    assert model.config.score_temperature > 1.05
    set_temperature(model, data)  # once more finds nothing to do
    assert model.config.score_temperature == pytest.approx(1, abs=0.05)
