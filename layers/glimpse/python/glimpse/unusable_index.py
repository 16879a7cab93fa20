"""What to do about an index that can't be used, in one sentence for whoever asked for a change."""

from glimpse.index import FormatError, ObjectForeign, ObjectMissing, ObjectUnsupported


def advice(folder_id: int, error: FormatError) -> str:
    """Return what is wrong with a folder's index, and what helps; keys and digests are for the log."""
    which = f"index of folder {folder_id}"
    match error:
        case ObjectUnsupported():
            return f"A later version of Glimpse wrote the {which}; update this one."
        case ObjectForeign():
            return (
                f"What lies in the place of the {which} belongs to another model; "
                "have an operator run `glimpse index repair`, and embed its images again."
            )
        case ObjectMissing():
            return f"Parts of the {which} are gone; have an operator run `glimpse index repair`."
        case _:
            return (
                f"The {which} is damaged; delete it and embed its images again, "
                "or have an operator run `glimpse index repair`."
            )
