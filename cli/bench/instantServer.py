"""Our server with a framework that draws at once: what it adds to a request by itself."""

import sys

from inference_server.serve import serve
from inference_server.settings import read_settings

sys.exit(serve(read_settings(), framework="drawing_framework"))
