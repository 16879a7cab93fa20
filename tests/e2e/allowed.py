"""What each function's role may do; everything else must be denied."""

FUNCTIONS = ("Api", "Embed", "Search", "Upkeep")

NAMED = {
    "users": {"user_id": {"N": "1"}},
    "usernames": {"username": {"S": "demo"}},
    "sessions": {"token_hash": {"S": "0" * 64}},
    "folders": {"folder_id": {"N": "1"}},
    "folder_names": {"owner_id": {"N": "1"}, "folder_name": {"S": "Photographs"}},
    "images": {"folder_id": {"N": "1"}, "image_id": {"N": "1"}},
    "jobs": {"job_id": {"N": "1"}},
    "counters": {"name": {"S": "users"}},
    "deployment": {"name": {"S": "models"}},
    "shares": {"folder_id": {"N": "1"}, "user_id": {"N": "1"}},
    "other_images": {"index_key": {"S": "glimpse/1/1"}, "image_id": {"N": "1"}},
}
"""A key of each table."""

READABLE = {
    "Api": {"users", "usernames", "sessions", "folders", "folder_names", "images", "jobs", "deployment"},
    "Embed": {"folders", "images", "deployment"},
    "Search": {"deployment"},
    "Upkeep": set[str](),
}
SCANNABLE = {
    "Api": {"usernames"},
    "Embed": {"folders", "other_images"},
    "Search": set[str](),
    "Upkeep": set[str](),
}

OBJECTS = {
    "uploads": "uploads/1/1/9007199254740991/none.jpg",
    "thumbnails": "thumbnails/1/1/9007199254740991.webp",
    "others": "images/1/1/none.jpg",
    "elsewhere": "secrets/none",
    "indexes": "indexes/glimpse/none/1/1/manifest.json",
}
TRIED = {"images": ("uploads", "thumbnails", "others", "elsewhere"), "index": ("indexes", "elsewhere")}
"""By bucket, which of these objects are tried."""

OBJECT_ACTIONS = {
    "Api": {
        ("get", "images", "uploads"),
        ("get", "images", "thumbnails"),
        ("put", "images", "uploads"),
    },
    "Embed": {
        ("get", "images", "uploads"),
        ("get", "images", "others"),
        ("put", "images", "thumbnails"),
        ("delete", "images", "uploads"),
        ("delete", "images", "thumbnails"),
        ("get", "index", "indexes"),
        ("put", "index", "indexes"),
        ("delete", "index", "indexes"),
    },
    "Search": {("get", "index", "indexes"), ("put", "index", "indexes"), ("delete", "index", "indexes")},
    "Upkeep": {("get", "index", "indexes"), ("put", "index", "indexes"), ("delete", "index", "indexes")},
}
LISTED = {"Api": set[str](), "Embed": {"images", "index"}, "Search": {"index"}, "Upkeep": {"index"}}

INVOKES = {
    "Api": {"SearchAlias"},
    "Embed": set[str](),
    "Search": {"EmbedFunction"},
    "Upkeep": set[str](),
}

SENDS = {
    "Api": {"MaintenanceQueueUrl"},
    "Embed": {"MaintenanceQueueUrl", "UpkeepQueueUrl"},
    "Search": set[str](),
    "Upkeep": {"UpkeepQueueUrl"},
}
RECEIVES = {"Embed": {"UploadQueueUrl", "MaintenanceQueueUrl"}, "Upkeep": {"UpkeepQueueUrl"}}
