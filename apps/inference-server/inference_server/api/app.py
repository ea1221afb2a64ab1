"""The app: all that is asked over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from inference_server import __version__
from inference_server.access.admission import Admission, admission_of
from inference_server.api.api_error import answer_errors
from inference_server.api.exchange import Exchanges
from inference_server.api.image_routes import image_routes
from inference_server.api.making import Making
from inference_server.api.observed import NobodyObserves, RequestObserver
from inference_server.api.probes import probe_routes
from inference_server.api.sagemaker import sagemaker_routes
from inference_server.api.url_store import UrlStore, url_store_of

if TYPE_CHECKING:
    from inference_server.scheduling.images import Images
    from inference_server.settings import Settings


def create_app(
    settings: Settings,
    images: Images,
    *,
    registry: CollectorRegistry | None = None,
    observer: RequestObserver | None = None,
    admission: Admission | None = None,
    url_store: UrlStore | None = None,
) -> FastAPI:
    """Has no start or stop of its own: `images` is started and stopped by whoever made it.

    Of what is not given: metrics are empty, nobody observes, and access and URLs are as the
    settings say. Raises UserError when the file of API keys is missing or wrong.
    """
    admission = admission or admission_of(settings)
    making = Making(settings, images, url_store or url_store_of(settings))
    app = FastAPI(
        title="inference-server",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        # A path with a slash too many is not found: a redirect would lose the body.
        redirect_slashes=False,
    )
    app.include_router(image_routes(making, admission))
    app.include_router(sagemaker_routes(making, admission, images))
    app.include_router(probe_routes(images, registry or CollectorRegistry()))
    answer_errors(app)
    app.add_middleware(Exchanges, observer=observer or NobodyObserves())
    return app
