"""Images that another function asks to embed, by a synchronous invocation.

Those under ``uploads/`` have records (:mod:`~functions.embed.services.requests.own_images`); those under
``images/`` belong to other backends (:mod:`~functions.embed.services.requests.other_images`). A namespace
of its own has the latter under its name, and no others are read for it, whatever path is named.
"""

import logging

from glimpse.index import FormatError
from glimpse.keys import UploadKey
from glimpse.messages import EmbedAnswer, EmbedImages, ImageFile
from glimpse.other_keys import other_key
from glimpse.unusable_index import advice

from functions.embed.services.requests.other_images import OtherImageRequests
from functions.embed.services.requests.own_images import OwnImageRequests

_NO_KEY = (
    "This path names no object that may be read; "
    "send one that ends in images/{user_id}/{folder_id}/{file name}."
)

_logger = logging.getLogger(__name__)


class ImageRequests:
    """Embeds images while the caller waits. What is in the indexes under their ids is replaced.

    Parameters
    ----------
    own, others
        Embed uploads, and images of other backends.
    namespace
        Of the folders that have records.
    """

    def __init__(self, own: OwnImageRequests, others: OtherImageRequests, namespace: str) -> None:
        self._own = own
        self._others = others
        self._namespace = namespace

    def embed(self, request: EmbedImages) -> EmbedAnswer:
        """Embed images and commit them to their folder's indexes; an index that can't be used is an answer.

        Raises
        ------
        NoModelChosen
            If the deployment has no model.
        glimpse.index.GlimpseIndexError
            If an index can't be changed now; no image is at fault then.
        """
        try:
            return self._embed(request)
        except FormatError as error:
            _logger.error("%s", error)  # noqa: TRY400 - expected
            return EmbedAnswer.refused(409, advice(request.folder_id, error))

    def _embed(self, request: EmbedImages) -> EmbedAnswer:
        images = list({image.image_id: image for image in request.images}.values())
        own = [image for image in images if self._is_own(image, request)]
        keys = {image: self._key(image, request) for image in images if image not in own}
        others = {image: key for image, key in keys.items() if key is not None}
        answer = EmbedAnswer.empty()
        answer.fail((image for image, key in keys.items() if key is None), _NO_KEY)
        if others:
            self._others.embed(request, others, answer)
        if own:
            self._own.embed(request, own, answer)
        return answer

    def _key(self, image: ImageFile, request: EmbedImages) -> str | None:
        """Return the key of another backend's file, if it may be read."""
        namespace = None if request.namespace == self._namespace else request.namespace
        return other_key(image.file_path, namespace, request.user_id, request.folder_id)

    def _is_own(self, image: ImageFile, request: EmbedImages) -> bool:
        """Tell whether this is an upload's path, in the folder and under the id that the request names."""
        try:
            key = UploadKey.parse(image.file_path)
        except ValueError:
            return False
        named = (request.namespace, request.user_id, request.folder_id, image.image_id)
        return named == (self._namespace, key.user_id, key.folder_id, key.image_id)
