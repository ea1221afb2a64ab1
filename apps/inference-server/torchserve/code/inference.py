"""What AWS's inference toolkit looks for: the default of SAGEMAKER_PROGRAM."""

from inference_server.torchserve.handler import model_fn, transform_fn

__all__ = ["model_fn", "transform_fn"]
