"""Which right a route needs besides a role, for users whose rights are limited."""

from collections.abc import Mapping

from lightnvr.accounts.model import Right

RIGHTS: Mapping[str, Right] = {
    "POST /api/streams": Right.CHANGE,
    "POST /api/streams/test": Right.CHANGE,
    "PUT /api/streams/{name}": Right.CHANGE,
    "POST /api/streams/{name}/refresh": Right.CHANGE,
    "PUT /api/streams/{name}/retention": Right.CHANGE,
    "DELETE /api/streams/{name}": Right.DELETE,
    "POST /api/streams/{name}/recording": Right.CHANGE,
    "POST /api/motion/trigger": Right.CHANGE,
    "POST /api/motion/test/{stream_name}": Right.CHANGE,
    "GET /api/streams/{name}/export": Right.EXPORT,
    "HEAD /api/streams/{name}/export": Right.EXPORT,
    "PUT /api/recordings/{id}/tags": Right.CHANGE,
    "POST /api/recordings/batch-tags": Right.CHANGE,
    "POST /api/recordings/sync": Right.CHANGE,
    "POST /api/recordings/batch-delete": Right.DELETE,
    "DELETE /api/recordings/files": Right.DELETE,
    "POST /api/storage/cleanup": Right.DELETE,
    "POST /api/recordings/batch-download": Right.EXPORT,
    "GET /api/recordings/batch-download/result/{token}": Right.EXPORT,
    "GET /api/recordings/thumbnail/{id}/{index}": Right.PLAYBACK,
    "POST /api/recordings/batch-protect": Right.CHANGE,
    "PUT /api/recordings/{id}/protect": Right.CHANGE,
    "PUT /api/recordings/{id}/retention": Right.CHANGE,
    "DELETE /api/recordings/{id}": Right.DELETE,
    "GET /api/recordings/play/{id}": Right.PLAYBACK,
    "HEAD /api/recordings/play/{id}": Right.PLAYBACK,
    "GET /api/recordings/download/{id}": Right.EXPORT,
    "HEAD /api/recordings/download/{id}": Right.EXPORT,
    "GET /api/timeline/manifest": Right.PLAYBACK,
    "GET /api/timeline/init/{id}.mp4": Right.PLAYBACK,
    "GET /api/timeline/media/{id}.mp4": Right.PLAYBACK,
    "HEAD /api/timeline/media/{id}.mp4": Right.PLAYBACK,
    "GET /api/timeline/play": Right.PLAYBACK,
    "POST /api/streams/{name}/zones": Right.CHANGE,
    "DELETE /api/streams/{name}/zones": Right.CHANGE,
    "GET /api/snapshots/{stream}/{file}": Right.PLAYBACK,
}
"""By method and path, as in the table of permissions. Everything live asks for `live` in one place of its own,
`Channels.open`."""
