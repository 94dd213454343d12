"""Gradient estimators: what an approximate product's derivatives are taken to be in retraining."""

from agnsim.nn.gradients.difference import Difference
from agnsim.nn.gradients.estimator import STRAIGHT_THROUGH, Estimator, Slopes, estimator, gradients
from agnsim.nn.gradients.local_slope import LocalSlope
from agnsim.nn.gradients.separable import Factored, factor
from agnsim.nn.gradients.straight_through import StraightThrough

__all__ = ["STRAIGHT_THROUGH", "Estimator", "Factored", "Slopes", "estimator", "factor", "gradients"]

gradients.add(STRAIGHT_THROUGH, StraightThrough)
gradients.add("difference", Difference)
gradients.add("local_slope", LocalSlope)
