"""Tell which service made a JSON file of weather."""

from gis.errors import SourceError
from gis.sources.weather_hours import RawHours, RawYear, read_json
from gis.sources.weather_models import read_pvgis_hours
from gis.sources.weather_pvgis import read_pvgis_series
from gis.sources.weather_smhi import read_metobs_json, read_strang


def read_json_hours(text: str, name: str) -> RawYear | RawHours:
    """Read a JSON file of PVGIS (tmy, seriescalc) or SMHI (metobs, STRANG).

    Parameters
    ----------
    text : str
        The reply as it was saved.
    name : str
        Of the file, for messages; STRANG's parameter is read from it.

    Returns
    -------
    RawYear or RawHours
        A typical year, or hours of any stretch of time.

    Raises
    ------
    SourceError
        If it is none of them.
    """
    reply = read_json(text, name)
    if isinstance(reply, list):
        return read_strang(reply, name)
    if isinstance(reply, dict):
        outputs = reply.get("outputs")
        if isinstance(outputs, dict) and "hourly" in outputs:
            return read_pvgis_series(reply, name)
        if isinstance(outputs, dict) and "horizon_profile" in outputs:
            message = f"{name} must hold weather, got a horizon line; give the tmy reply"
            raise SourceError(message)
        if "value" in reply and "parameter" in reply:
            return read_metobs_json(reply, name)
    return read_pvgis_hours(text, name)
