"""In a PyTorch container of AWS that SageMaker caches, where TorchServe is started and not we.

The model's artefact brings along `code/`: this package, and wheels of what the container lacks. The
container's torch and Python run the model.

1. AWS's toolkit installs `code/requirements.txt`, which starts our server and waits for it.
2. It starts TorchServe, whose workers answer /invocations and hand requests on to the server.
3. When the server dies, the workers end with it; TorchServe starts them again, and they the server.

What a worker imports of this package needs no wheel: only the server's process has them.
"""
