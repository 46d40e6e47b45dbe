"""Say what answers there are besides the good one."""

from typing import Any

from twin.api import models, writing_models

Responses = dict[int | str, dict[str, Any]]

READ = ["GET", "HEAD"]

READING: Responses = {
    422: {"model": models.Problem, "description": "The question makes no sense."},
    429: {"model": models.Problem, "description": "Too many requests; see Retry-After."},
    503: {"model": models.Problem, "description": "The log cannot be read now."},
}
LOOKING: Responses = {
    **READING,
    404: {"model": models.Problem, "description": "There is none."},
}
WRITING: Responses = {
    401: {"model": models.Problem, "description": "The token is missing or wrong."},
    403: {"model": models.Problem, "description": "This server takes no values."},
    408: {"model": models.Problem, "description": "The body came too slowly."},
    413: {"model": models.Problem, "description": "The request is too large."},
    415: {"model": models.Problem, "description": "It comes in a form that is not read."},
    422: {
        "model": writing_models.Receipt | models.Problem,
        "description": "Nothing was taken.",
    },
    429: {"model": models.Problem, "description": "Too many requests; see Retry-After."},
    503: {"model": models.Problem, "description": "The log cannot be written now."},
}
