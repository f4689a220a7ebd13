"""What the FHIR edge answers with, be it a resource or a reasoned no."""

from starlette.responses import JSONResponse, Response

from services.scheduling.api.fhir import resources
from services.scheduling.api.fhir.resources import MEDIA_TYPE, Resource


class Refusal(Exception):
    """A request gets an OperationOutcome other than yes."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(code)
        self.status, self.code, self.diagnostics = status, code, diagnostics

    def response(self) -> Response:
        """The answer."""
        return answer(resources.outcome(self.code, self.diagnostics), self.status)


def tagged(resource: Resource, status: int = 200) -> Response:
    """A resource with its version as ETag."""
    response = answer(resource, status)
    response.headers["ETag"] = f'W/"{resource["meta"]["versionId"]}"'
    return response


def answer(resource: Resource, status: int = 200) -> Response:
    """A resource."""
    return JSONResponse(resource, status_code=status, media_type=MEDIA_TYPE)
