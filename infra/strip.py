"""Remove the parts of installed packages that no function imports.

This is a standalone script that uses only the standard library: the embed function's Dockerfile runs it, too,
as ``python strip.py SITE``.
"""

import shutil
import sys
from pathlib import Path

# boto3 describes 400 services in 25 MB; functions call only these (sts for credentials).
AWS_SERVICES = {"dynamodb", "lambda", "s3", "sqs", "sts"}

# imagecodecs supports 80 formats in 80 MB; these are the compressions and predictors of photographs in TIFFs,
# and the modules that its codecs share.
TIFF_CODECS = {
    "_shared", "_shared_cython", "_imcd", "_ccitt", "_deflate", "_jpeg2k", "_jpeg8", "_jpegsof3", "_jpegxr",
    "_lerc", "_ljpeg", "_lzma", "_pixarlog", "_webp", "_zlib", "_zstd",
}  # fmt: skip


def strip(site: Path) -> None:
    """Remove scripts, tests, training tools, unused codecs and the descriptions of unused AWS services.

    Parameters
    ----------
    site
        The folder that the packages are installed in.
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
    _strip_codecs(site)


def _strip_codecs(site: Path) -> None:
    """Remove the codecs that no TIFF uses, and the libraries that only those codecs load."""
    codecs = site.glob("imagecodecs/_*.so")
    for codec in codecs:
        if codec.name.partition(".")[0] not in TIFF_CODECS:
            codec.unlink()
    libraries = set(site.glob("imagecodecs.libs/*"))
    loaded: set[Path] = set()
    loading = list(site.glob("imagecodecs/_*.so"))
    while loading:
        # A file contains the names of the libraries that it loads; in wheels, each library's name is unique.
        content = loading.pop().read_bytes()
        found = {path for path in libraries - loaded if path.name.encode() in content}
        loaded |= found
        loading += found
    for library in libraries - loaded:
        library.unlink()


if __name__ == "__main__":
    strip(Path(sys.argv[1]))
