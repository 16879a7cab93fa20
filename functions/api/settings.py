"""The API's settings, read from its environment."""

from glimpse.settings import FunctionSettings


class ApiSettings(FunctionSettings):
    """The API function's environment; each field is the variable GLIMPSE_<FIELD>."""

    images_bucket: str
    users_table: str
    usernames_table: str
    sessions_table: str
    folders_table: str
    folder_names_table: str
    images_table: str
    jobs_table: str
    counters_table: str
    deployment_table: str
    shares_table: str
    maintenance_queue_url: str
    search_function: str
