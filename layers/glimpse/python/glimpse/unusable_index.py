"""Advice about an unusable index, in one sentence for whoever requested a change."""

from glimpse.index import FormatError, ObjectForeign, ObjectMissing, ObjectUnsupported


def advice(folder_id: int, error: FormatError) -> str:
    """Return what is wrong with a folder's index and what to do; keys and digests only go to the log."""
    which = f"index of folder {folder_id}"
    match error:
        case ObjectUnsupported():
            return f"A later version of Glimpse wrote the {which}; update this one."
        case ObjectForeign():
            return (
                f"The {which} belongs to another model; "
                "have an operator run `glimpse index repair`, and embed its images again."
            )
        case ObjectMissing():
            return f"Parts of the {which} are gone; have an operator run `glimpse index repair`."
        case _:
            return (
                f"The {which} is damaged; delete it and embed its images again, "
                "or have an operator run `glimpse index repair`."
            )
