"""Removes from installed packages what no function imports.

A script of its own, with nothing but the standard library: the embed function's Dockerfile runs it, too, as
``python strip.py SITE``.
"""

import shutil
import sys
from pathlib import Path

# boto3 describes 400 services in 25 MB; these are the ones that a function calls (sts: credentials).
AWS_SERVICES = {"dynamodb", "lambda", "s3", "sqs", "sts"}


def strip(site: Path) -> None:
    """Remove scripts, tests, training tools and the descriptions of other AWS services.

    Parameters
    ----------
    site
        The folder that packages were installed into.
    """
    unused = [
        site / "bin",
        *(site / "onnxruntime" / part for part in ("transformers", "tools", "quantization")),
    ]
    unused += [path for path in site.glob("*/**/tests") if path.is_dir()]
    for services in (site / "botocore/data", site / "boto3/data"):
        unused += [path for path in services.glob("*/") if path.name not in AWS_SERVICES]
    for path in unused:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    strip(Path(sys.argv[1]))
