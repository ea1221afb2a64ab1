"""What the kubelet, load balancers and Prometheus ask. They need no key, and wait for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from inference_server.scheduling.images import Images


def probe_routes(images: Images, registry: CollectorRegistry) -> APIRouter:
    routes = APIRouter()

    @routes.get("/health")
    async def health() -> dict[str, bool]:
        """200 while the event loop runs; whether there is a model is `/readiness`'s to say."""
        return {"healthy": True}

    @routes.get("/readiness")
    async def readiness() -> Response:
        """200 when the model is loaded and warm; 503 says why it is not."""
        problem = images.problem
        if problem is None:
            return JSONResponse({"ready": True})
        return JSONResponse({"ready": False, "problem": problem}, 503)

    @routes.get("/metrics")
    async def metrics() -> Response:
        """Prometheus' text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
